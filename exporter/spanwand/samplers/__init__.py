"""Samplers: which Table rows are kept. The chain is this table, in its order; the first that answers wins."""

from collections.abc import Callable, Mapping

from spanwand.config import SampleConfig
from spanwand.ports import Sampler
from spanwand.samplers import errors, ratio, slow

SAMPLERS: Mapping[str, Callable[[SampleConfig], Sampler]] = {
    "errors": errors.sampler,
    "slow": slow.sampler,
    "ratio": ratio.sampler,
}
