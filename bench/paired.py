"""What one way of recording costs more than none: of the same rounds, and how far the rounds can tell.

A process is a little faster or slower than the next for as long as it lives, by where its memory lies and how its keys
hash: more rounds do not help, more processes do. So rounds come in generations, each of new processes, and an interval
is a bootstrap of both: generations are drawn again, then rounds in each of them.
"""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean, quantiles
from typing import NamedTuple

from frozen import Turn

RESAMPLES = 2_000

Generations = Sequence[Sequence[Turn]]
"""Turns of one way: by generation, then by round."""
Statistic = Callable[[Turn], float]
"""What a turn says, more of which is worse."""


class Interval(NamedTuple):
    """An estimate, and where it lies with 95 % confidence."""

    estimate: float
    low: float
    high: float

    def verdict(self, budget: float) -> str:
        """Whether it is within, as far as can be told."""
        if self.high <= budget:
            return "kept"
        return "MISSED" if self.low > budget else "not resolved"


def percentile(latencies_s: Sequence[float], percent: int) -> float:
    """Of one turn's latencies, none of which is beyond the longest."""
    return quantiles(latencies_s, n=100, method="inclusive")[percent - 1]


STATISTICS: Mapping[str, Statistic] = {
    "p50": lambda turn: percentile(turn.wall_s, 50),
    "p95": lambda turn: percentile(turn.wall_s, 95),
    "time/panel": lambda turn: turn.seconds / len(turn.wall_s),
    "CPU/panel": lambda turn: turn.cpu_s / len(turn.wall_s),
    "own p50": lambda turn: percentile(turn.own_s, 50),
    "own p95": lambda turn: percentile(turn.own_s, 95),
}
"""`own` is on the service's own clock. `time/panel` is the throughput's inverse."""


def host_s(turn: Turn) -> float:
    """CPU seconds per panel beside the model's, among which telemetry's are easier to see."""
    return (turn.cpu_s - turn.model_cpu_s) / len(turn.wall_s)


def mean(turns: Generations, statistic: Statistic) -> float:
    """Over all rounds."""
    return fmean(statistic(turn) for generation in turns for turn in generation)


def percent_more(baseline: Generations, turns: Generations, statistic: Statistic) -> Interval:
    """By how many percent a statistic is more than the baseline's of the same round; the geometric mean of rounds."""
    logs = paired(baseline, turns, lambda below, above: math.log(statistic(above) / statistic(below)))
    return Interval(*(100 * math.expm1(value) for value in bootstrap(logs)))


def more(baseline: Generations, turns: Generations, statistic: Statistic) -> Interval:
    """By how much it is more than that of the same round."""
    return bootstrap(paired(baseline, turns, lambda below, above: statistic(above) - statistic(below)))


def paired(
    baseline: Generations, turns: Generations, difference: Callable[[Turn, Turn], float]
) -> Sequence[Sequence[float]]:
    """A number for each round."""
    pairs = (zip(*both, strict=True) for both in zip(baseline, turns, strict=True))
    return [[difference(*turns) for turns in rounds] for rounds in pairs]


def bootstrap(rounds: Sequence[Sequence[float]]) -> Interval:
    """The mean of rounds, and where it lies when generations, and rounds in them, are drawn again."""
    draw = random.Random(1)

    def drawn() -> float:
        generations = draw.choices(rounds, k=len(rounds))
        return fmean(value for each in generations for value in draw.choices(each, k=len(each)))

    again = sorted(drawn() for _ in range(RESAMPLES))
    estimate = fmean(value for each in rounds for value in each)
    return Interval(estimate, again[RESAMPLES // 40], again[-1 - RESAMPLES // 40])
