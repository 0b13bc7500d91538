"""Keep everything that took long."""

from spanwand.batch import Verdict
from spanwand.config import SampleConfig
from spanwand.ports import Sampler
from spanwand.record import Clean
from spanwand.request import Request

_KEEP = Verdict(keep=True, weight=1.0, reason="slow")


def sampler(config: SampleConfig) -> Sampler:
    """A sampler that keeps what took `slow_s` or longer."""
    slow_s = config.slow_s

    def slow(record: Clean | Request) -> Verdict | None:
        latency_s = record.latency_s
        return _KEEP if latency_s is not None and latency_s >= slow_s else None

    return slow
