"""Hands what was said to the sidecar off the span: `OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK=spanwand`.

OpenTelemetry's GenAI instrumentations call a completion hook at the end of each call. This one sends the conventions'
own event, with the content as attributes, by the app's own OTLP exporter, to where its spans go. The sidecar joins the
two by their ids, and redacts. Spans stay small: nothing is cut to an attribute's limit, and a backend that only gets
the spans never sees a prompt.
"""

import logging
import os
import time
from collections.abc import Sequence
from importlib.metadata import entry_points
from typing import Any

from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter
from opentelemetry.trace import Span, set_span_in_context

from spanwand.dialects.log_events import DETAILS, INPUT, OUTPUT, SYSTEM

_CONTENT = {"inputs": INPUT, "outputs": OUTPUT, "system_instruction": SYSTEM}
_MOST_WAITING = 512
"""Events that wait to be sent; the SDK drops older ones and says so."""
_PROTOCOLS = {"http/protobuf": "otlp_proto_http", "grpc": "otlp_proto_grpc"}
_log = logging.getLogger(__name__)


class SpanwandCompletionHook:
    """Sends an event per call. Made once per process, by the instrumentation, through the entry point."""

    def __init__(self, exporter: LogRecordExporter | None = None) -> None:
        """`exporter` sends the events; by default the OTLP exporter that the environment's protocol names."""
        exporter = exporter or _exporter()
        self._provider = LoggerProvider()
        if exporter is not None:
            processor = BatchLogRecordProcessor(exporter, max_queue_size=_MOST_WAITING)
            self._provider.add_log_record_processor(processor)
        self._logger = self._provider.get_logger("spanwand.completion_hook") if exporter is not None else None

    def on_completion(  # noqa: PLR0913  the hook's signature, every argument by name
        self,
        *,
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        system_instruction: Sequence[Any],
        tool_definitions: Sequence[Any] | None = None,  # noqa: ARG002  no column shows them
        span: Span | None = None,
        log_record: LogRecord | None = None,  # noqa: ARG002  sent by the instrumentation itself, if at all
    ) -> None:
        """Queue what was said for sending. A span that is not sampled has nothing to be joined to."""
        if self._logger is None or span is None or not span.get_span_context().trace_flags.sampled:
            return
        said = {"inputs": inputs, "outputs": outputs, "system_instruction": system_instruction}
        attributes = {_CONTENT[name]: _json(messages) for name, messages in said.items() if messages}
        if attributes:
            context = set_span_in_context(span)
            self._logger.emit(
                LogRecord(timestamp=time.time_ns(), context=context, event_name=DETAILS, attributes=attributes)
            )

    def shutdown(self) -> None:
        """Send what waits. The SDK does that at exit as well."""
        self._provider.shutdown()


def _json(messages: object) -> str:
    """As the instrumentations themselves write messages; their package calls us, so it is there."""
    from opentelemetry.util.genai.utils import gen_ai_json_dumps

    return gen_ai_json_dumps(messages)


def _exporter() -> LogRecordExporter | None:
    """The exporter that `opentelemetry-instrument` would take; `None`, and a warning, if it is not installed."""
    protocol = os.environ.get("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL") or os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    wanted = _PROTOCOLS.get(protocol or "", "otlp_proto_http" if protocol else "")
    found = {point.name: point for point in entry_points(group="opentelemetry_logs_exporter")}
    point = found.get(wanted) or next((found[name] for name in _PROTOCOLS.values() if name in found), None)
    if point is None:
        _log.warning("no OTLP exporter is installed: the completion hook sends nothing")
        return None
    exporter: LogRecordExporter = point.load()()
    return exporter
