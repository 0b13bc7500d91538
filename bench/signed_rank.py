"""Wilcoxon's signed ranks: where the middle of a few observations lies, whatever the size of those far out.

A mean and its t would be moved by every second in which a neighbour of this machine takes some of its speed.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from functools import cache
from itertools import accumulate, combinations_with_replacement
from statistics import median
from typing import NamedTuple

TAIL = 0.025


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


def middle(observations: Sequence[float]) -> Interval:
    """Hodges and Lehmann's estimate, the median of the means of all pairs, and its interval.

    Exact for whatever is distributed alike on both sides; of fewer than six observations none is narrow enough.
    """
    means = sorted((one + other) / 2 for one, other in combinations_with_replacement(observations, 2))
    cut = beyond(len(observations))
    low, high = (means[cut - 1], means[-cut]) if cut else (-math.inf, math.inf)
    return Interval(median(means), low, high)


@cache
def beyond(count: int) -> int:
    """The rank, from either end, of the mean of a pair of so many observations at which the interval ends; 0 for none.

    Each sum of ranks is as likely as there are ways to make it of 1, 2, 3, ...
    """
    chances = [1.0]
    for rank in range(1, count + 1):
        without, with_it = chances + rank * [0.0], rank * [0.0] + chances
        chances = [(one + other) / 2 for one, other in zip(without, with_it, strict=True)]
    return bisect_right(list(accumulate(chances)), TAIL)
