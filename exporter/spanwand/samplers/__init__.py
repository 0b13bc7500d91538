"""Samplers: which Table rows are kept. The highest priority wins; of equal ones, the first in these tables.

A factory returns `None` for a sampler that is off.
"""

from collections.abc import Callable, Mapping

from spanwand.config import SampleConfig
from spanwand.ports import Sampler
from spanwand.samplers import errors, limit, outliers, rare, ratio, slow

OF_THE_TRACE: Mapping[str, Callable[[SampleConfig], Sampler | None]] = {
    "errors": errors.sampler,
    "slow": slow.sampler,
    "ratio": ratio.sampler,
}
"""What they say depends on the records alone: it is the same everywhere, and holds for what else comes of the trace."""

OF_THE_INTERVAL: Mapping[str, Callable[[SampleConfig], Sampler | None]] = {
    "rare": rare.sampler,
    "outliers": outliers.sampler,
    "limit": limit.sampler,
}
"""What they say depends on what came before, since rows were last handed over. They are made anew for each interval."""
