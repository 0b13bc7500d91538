"""Records as the stages behind `redact` get them, with every field that does not matter filled in."""

from typing import Any

from spanwand.batch import Verdict
from spanwand.content import HeldContent, HeldText
from spanwand.operations import Operation
from spanwand.record import Clean, Service
from spanwand.request import CleanRoot, Request

SECOND_NS = 1_000_000_000
STUDIO = Service(name="studio", instance="studio-1", environment="test", version="1")
KEPT = Verdict(keep=True, weight=1.0, reason="ratio")
LEFT = Verdict(keep=False, weight=2.0, reason="ratio")


def trace_id(number: int) -> bytes:
    return number.to_bytes(16, "big")


def call(trace: int = 1, *, latency_s: float = 1.0, **fields: Any) -> Clean:
    """A model call that ended `latency_s` after second 100."""
    values: dict[str, Any] = {
        "trace_id": trace_id(trace),
        "span_id": b"\x01" * 8,
        "start_ns": 100 * SECOND_NS,
        "end_ns": 100 * SECOND_NS + int(latency_s * SECOND_NS),
        "service": STUDIO,
        "dialect": "test",
        "operation": Operation.CHAT,
        "request_model": "m",
        "attributes": {},
        "sources": {},
    }
    return Clean(**values | fields)


def held(**texts: str) -> HeldContent:
    """Content that is clean."""
    return HeldContent(tuple(HeldText(name, text, str) for name, text in texts.items()), failing)


def failing(error: Exception) -> None:
    raise error


def root(trace: int = 1, **fields: Any) -> CleanRoot:
    """The root of a trace, from second 99 to 110."""
    values: dict[str, Any] = {
        "trace_id": trace_id(trace),
        "span_id": b"\x02" * 8,
        "name": "make comic",
        "start_ns": 99 * SECOND_NS,
        "end_ns": 110 * SECOND_NS,
        "service": STUDIO,
        "attributes": {},
    }
    return CleanRoot(**values | fields)


def request(trace: int = 1, *, latency_s: float = 1.0, **fields: Any) -> Request:
    """A request that took `latency_s`."""
    values: dict[str, Any] = {
        "trace_id": trace_id(trace),
        "name": "make comic",
        "start_ns": 100 * SECOND_NS,
        "end_ns": 100 * SECOND_NS + int(latency_s * SECOND_NS),
        "service": STUDIO,
        "generations": 1,
        "errors": 0,
        "attributes": {},
    }
    return Request(**values | fields)
