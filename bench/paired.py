"""What one way of recording costs more than none: of the same rounds, and how far the rounds can tell.

A process is a little faster or slower than the next for as long as it lives, by where its memory lies and how its keys
hash: more rounds do not help, more processes do. So rounds come in generations, each of new processes. The mean of a
generation's rounds is one observation, and an interval is of generations. `no telemetry` is all processes without it.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from operator import truediv
from statistics import fmean

from frozen import Turn
from harrell_davis import quantile
from signed_rank import Interval, middle
from watched_models import AT_ONCE, COMICS

Generations = Sequence[Sequence[Turn]]
"""Turns of one way: by generation, then by round."""
Statistic = Callable[[Turn], float]
"""What a turn says, more of which is worse."""

CAUGHT_UP = AT_ONCE
"""Comics of a turn whose latencies do not count: meanwhile what was frozen catches up. What they cost does count."""


def latency(share: float) -> Statistic:
    """A quantile of seconds."""
    return lambda turn: quantile(turn.wall_s[CAUGHT_UP:], share)


def slowdown(share: float) -> Statistic:
    """A quantile of latencies over the CPU time of the same comic's model."""
    return lambda turn: quantile([*map(truediv, turn.wall_s, turn.model_s)][CAUGHT_UP:], share)


LATENCIES: Mapping[str, Statistic] = {
    "p50": latency(0.50),
    "p95": latency(0.95),
    "time/comic": lambda turn: turn.seconds / len(turn.wall_s),
    "CPU/comic": lambda turn: turn.cpu_s / len(turn.wall_s),
}
"""In seconds. `time/comic` is the throughput's inverse."""
SLOWDOWNS: Mapping[str, Statistic] = {
    "p50": slowdown(0.50),
    "p95": slowdown(0.95),
    "time/comic": lambda turn: turn.seconds / sum(turn.model_s),
    "CPU/comic": lambda turn: turn.cpu_s / sum(turn.model_s),
}
"""The same over the model's CPU time, as scheduling theory has it: how fast the machine was falls out of them."""


def model_s(turn: Turn) -> float:
    """CPU seconds of the model per comic: what the slowdowns take as given."""
    return sum(turn.model_s) / len(turn.wall_s)


def host_s(turn: Turn) -> float:
    """CPU seconds per comic beside the model's, among which telemetry's are easier to see."""
    return turn.cpu_s / len(turn.wall_s) - model_s(turn)


def thread_s(thread: str, turn: Turn) -> float:
    """CPU seconds per comic of what some threads are for, beside the model's."""
    model = sum(turn.model_s) if thread == COMICS else 0.0
    return (turn.threads_s.get(thread, 0.0) - model) / len(turn.wall_s)


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
