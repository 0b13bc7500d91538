"""Keep a share of traces, the same ones everywhere: OpenTelemetry's consistent probability sampling.

Each trace has 56 bits of randomness: `rv` in the `ot` member of its tracestate, else the last 7 bytes of its id. It is
kept if they are at or above a threshold, so that samplers with different ratios keep subsets of one another, and a
process needs to know nothing of the others.
"""

from spanwand.batch import Verdict
from spanwand.config import SampleConfig
from spanwand.ports import Sampler
from spanwand.record import Clean
from spanwand.request import Request

_ALL = 1 << 56


def sampler(config: SampleConfig) -> Sampler:
    """A sampler that always answers: keep `ratio` of all traces."""
    threshold = min(round((1 - config.ratio) * _ALL), _ALL - 1)
    keep = Verdict(keep=True, weight=1 / config.ratio, reason="ratio")
    leave = Verdict(keep=False, weight=keep.weight, reason="ratio")

    def ratio(record: Clean | Request) -> Verdict:
        return keep if not threshold or randomness(record.trace_id, record.trace_state) >= threshold else leave

    return ratio


def randomness(trace_id: bytes, trace_state: str) -> int:
    """The 56 random bits of a trace."""
    explicit = _explicit(trace_state) if "rv:" in trace_state else None
    return int.from_bytes(trace_id[-7:], "big") if explicit is None else explicit


def _explicit(trace_state: str) -> int | None:
    """The value of `rv` in `ot=...;rv:<14 hex digits>`; None if there is none, or it is malformed."""
    for member in trace_state.split(","):
        vendor, _, fields = member.strip().partition("=")
        if vendor == "ot":
            values = (field[3:] for field in fields.split(";") if field.startswith("rv:"))
            return next((int(v, 16) for v in values if len(v) == 14 and v.isalnum() and _is_hex(v)), None)
    return None


def _is_hex(text: str) -> bool:
    return set(text) <= set("0123456789abcdef")
