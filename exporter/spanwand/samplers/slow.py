"""Keep everything that took long."""

from spanwand.config import SampleConfig
from spanwand.consistent import ALWAYS
from spanwand.ports import Sampled, Sampler


def sampler(config: SampleConfig) -> Sampler:
    """A sampler that keeps traces that took `slow_s` or longer, or a call of which did."""
    slow_ns = config.slow_s * 1e9

    def slow(records: Sampled) -> float:
        for record in records:
            if record.end_ns - record.start_ns >= slow_ns and record.latency_s is not None:
                return ALWAYS
        return 0.0

    return slow
