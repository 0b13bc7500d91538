"""Keep everything that took long."""

from spanwand.batch import Verdict
from spanwand.config import SampleConfig
from spanwand.ports import Sampler
from spanwand.record import Clean, Request

_KEEP = Verdict(keep=True, weight=1.0, reason="slow")


def sampler(config: SampleConfig) -> Sampler:
    """A sampler that keeps what took `slow_s` or longer."""
    slow_ns = config.slow_s * 1e9

    def slow(record: Clean | Request) -> Verdict | None:
        return _KEEP if record.end_ns - record.start_ns >= slow_ns else None

    return slow
