"""A journal to receive into, and requests to send."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
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


def logs_request(records: int) -> bytes:
    """A serialised ExportLogsServiceRequest."""
    message = ExportLogsServiceRequest()
    scope_logs = message.resource_logs.add().scope_logs.add()
    for number in range(records):
        scope_logs.log_records.add(severity_number=9).body.string_value = f"line {number}"
    return message.SerializeToString()


def metrics_request(metrics: int) -> bytes:
    """A serialised ExportMetricsServiceRequest."""
    message = ExportMetricsServiceRequest()
    scope_metrics = message.resource_metrics.add().scope_metrics.add()
    for number in range(metrics):
        scope_metrics.metrics.add(name=f"metric.{number}").gauge.data_points.add(as_double=0.5)
    return message.SerializeToString()
