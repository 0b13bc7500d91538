"""Harrell and Davis's estimate of a quantile: a mean of all values, by how likely each is to be the quantile.

The field's choice to compare quantiles of few values: one of two order statistics, as most estimators are, says less.
"""

import itertools
import math
from collections.abc import Sequence
from functools import cache

EPSILON = 1e-15
TINY = 1e-300
MAX_TERMS = 1_000


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which such a share of all lies."""
    weights = order_weights(len(values), share)
    return sum(weight * value for weight, value in zip(weights, sorted(values), strict=True))


@cache
def order_weights(count: int, share: float) -> tuple[float, ...]:
    """How much each of so many values counts, from the smallest on."""
    a, b = (count + 1) * share, (count + 1) * (1 - share)
    reached = (beta_cdf(rank / count, a, b) for rank in range(count + 1))
    return tuple(high - low for low, high in itertools.pairwise(reached))


def beta_cdf(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function, by its continued fraction, where that converges fast."""
    if not 0 < x < 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - beta_cdf(1 - x, b, a)
    log_front = a * math.log(x) + b * math.log1p(-x) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    return math.exp(log_front) / (a * _fraction(x, a, b))


def _fraction(x: float, a: float, b: float) -> float:
    """`1 + d1/(1 + d2/(1 + ...))` by Lentz's method, from the front until a term changes nothing."""
    value = upper = 1.0
    lower = 0.0
    for term in range(1, MAX_TERMS):
        m, is_odd = divmod(term, 2)
        factor = -(a + m) * (a + b + m) / (a + 2 * m + 1) if is_odd else m * (b - m) / (a + 2 * m - 1)
        d = factor * x / (a + 2 * m)
        upper, lower = 1 + d / upper or TINY, 1 / (1 + d * lower or TINY)
        value *= upper * lower
        if abs(upper * lower - 1) < EPSILON:
            break
    return value
