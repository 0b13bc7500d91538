"""A journal to receive into, and requests to send."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from spanwand_sidecar.journal import Journal, JournalConfig


@contextmanager
def journal_in(directory: Path, max_bytes: int = 1 << 30) -> Iterator[Journal]:
    """A real journal; closed at the end."""
    journal = Journal.open(directory / "journal", JournalConfig(max_bytes=max_bytes))
    try:
        yield journal
    finally:
        journal.close()


def stored(journal: Journal) -> list[bytes]:
    """The bodies in the journal."""
    return [frame.body for frame in journal.read(0)]


def trace_request(spans: int, name: str = "span") -> bytes:
    """A serialised ExportTraceServiceRequest."""
    message = ExportTraceServiceRequest()
    scope_spans = message.resource_spans.add().scope_spans.add()
    for number in range(spans):
        scope_spans.spans.add(name=name, trace_id=bytes(15) + b"\x01", span_id=number.to_bytes(8, "big"))
    return message.SerializeToString()
