"""Keep a share of all traces."""

from spanwand.config import SampleConfig
from spanwand.ports import Sampler


def sampler(config: SampleConfig) -> Sampler | None:
    """A sampler that keeps `ratio` of all traces; not where a limit by key takes it into account."""
    ratio = config.ratio
    return None if config.limit_by else lambda _: ratio
