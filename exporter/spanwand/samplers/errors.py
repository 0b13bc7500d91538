"""Keep everything that failed."""

from spanwand.config import SampleConfig
from spanwand.consistent import ALWAYS
from spanwand.ports import Sampled, Sampler
from spanwand.request import Request


def sampler(_: SampleConfig) -> Sampler:
    """A sampler that keeps traces with a failed call, or whose root failed."""
    return _errors


def _errors(records: Sampled) -> float:
    for record in records:
        if record.errors if isinstance(record, Request) else record.failure:
            return ALWAYS
    return 0.0
