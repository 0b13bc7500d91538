"""What one way of recording costs more than none: of the same rounds, and how far the rounds can tell.

A process is a little faster or slower than the next for as long as it lives, by where its memory lies and how its keys
hash: more rounds do not help, more processes do. So rounds come in generations, each of new processes. The mean of a
generation's rounds is one observation, and an interval is of generations. `no telemetry` is all processes without it.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

from frozen import Turn
from harrell_davis import quantile
from signed_rank import Interval, middle

Generations = Sequence[Sequence[Turn]]
"""Turns of one way: by generation, then by round."""
Statistic = Callable[[Turn], float]
"""What a turn says, more of which is worse."""

STATISTICS: Mapping[str, Statistic] = {
    "p50": lambda turn: quantile(turn.wall_s, 0.50),
    "p95": lambda turn: quantile(turn.wall_s, 0.95),
    "time/panel": lambda turn: turn.seconds / len(turn.wall_s),
    "CPU/panel": lambda turn: turn.cpu_s / len(turn.wall_s),
    "own p50": lambda turn: quantile(turn.own_s, 0.50),
    "own p95": lambda turn: quantile(turn.own_s, 0.95),
}
"""`own` is on the service's own clock. `time/panel` is the throughput's inverse."""


def host_s(turn: Turn) -> float:
    """CPU seconds per panel beside the model's, among which telemetry's are easier to see."""
    return (turn.cpu_s - turn.model_cpu_s) / len(turn.wall_s)


def mean(turns: Generations, statistic: Statistic) -> float:
    """Over all rounds."""
    return fmean(statistic(turn) for generation in turns for turn in generation)


def percent_more(baselines: Sequence[Generations], turns: Generations, statistic: Statistic) -> Interval:
    """By how many percent a statistic is more than the baselines' of the same round; geometric means."""
    logs = paired(baselines, turns, lambda turn: math.log(statistic(turn)))
    return Interval(*(100 * math.expm1(value) for value in middle(logs)))


def more(baselines: Sequence[Generations], turns: Generations, statistic: Statistic) -> Interval:
    """By how much it is more than the baselines' mean of the same round."""
    return middle(paired(baselines, turns, statistic))


def paired(baselines: Sequence[Generations], turns: Generations, statistic: Statistic) -> Sequence[float]:
    """The mean difference of each generation's rounds."""
    return [
        fmean(statistic(turn) for turn in its) - fmean(fmean(map(statistic, below)) for below in without)
        for its, *without in zip(turns, *baselines, strict=True)
    ]
