"""Keep everything that failed."""

from spanwand.batch import Verdict
from spanwand.config import SampleConfig
from spanwand.ports import Sampler
from spanwand.record import Clean
from spanwand.request import Request

_KEEP = Verdict(keep=True, weight=1.0, reason="errors")


def sampler(_: SampleConfig) -> Sampler:
    """A sampler that keeps failed calls, and requests with an error."""
    return _errors


def _errors(record: Clean | Request) -> Verdict | None:
    failed = record.errors > 0 if isinstance(record, Request) else record.failure is not None
    return _KEEP if failed else None
