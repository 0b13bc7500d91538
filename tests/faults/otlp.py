"""Raw OTLP requests of which everything can be told from what comes out: every span is unique by its ids."""

import json
from collections.abc import Iterator
from functools import cache

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AGGREGATION_TEMPORALITY_CUMULATIVE, AGGREGATION_TEMPORALITY_DELTA

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
EXPORT_LOGS = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
EXPORT_METRICS = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
MODEL = "gpt-4o-mini"
VERDICT = "relevance"
PROMPT = "Please write to jane.doe@example.com, or call +49 30 901820, about order 4711: it is urgent. "
"""Work for redaction."""
TOKENS = 7
"""By how much each metrics request moves each counter."""
BEGUN_NS = 1_700_000_000 * 10**9

UNKNOWN = b"\xff" * 8

SpanKey = tuple[str, str]
"""Trace id and span id in hexadecimal digits."""


def keys(sender: int, number: int, spans: int) -> Iterator[SpanKey]:
    """The ids of the spans in request `number` of a sender, whose spans are one trace."""
    trace_id = f"{sender:016x}{number:016x}"
    return ((trace_id, f"{sender:04x}{number:08x}{span:04x}") for span in range(1, spans + 1))


def input_tokens(key: SpanKey) -> int:
    """How many a span says it used: not the same for all, so that a swap does not go unseen."""
    return 1 + int(key[1], 16) % 7


def request(sender: int, number: int, spans: int, *, models: int = 1, padding: int = 0, prompt: int = 0) -> bytes:
    """One trace: its first span is the root, all are model calls, the first has `padding` bytes of text.

    Each has a prompt of `prompt` characters: unlike padding something that the line has to work on.

    The others have a parent that nobody sent: model calls inside of one would count as one with it (P3). With more
    than one of `models`, each span up to that many has a model of its own.
    """
    message = ExportTraceServiceRequest()
    resource_spans = message.resource_spans.add()
    resource_spans.resource.attributes.add(key="service.name").value.string_value = "shop"
    scope_spans = resource_spans.scope_spans.add()
    parent = b""
    for place, key in enumerate(keys(sender, number, spans)):
        model = f"model-{(number * spans + place) % models}" if models > 1 else MODEL
        trace_id, span_id = map(bytes.fromhex, key)
        span = scope_spans.spans.add(
            trace_id=trace_id, span_id=span_id, parent_span_id=parent, name="chat", kind=3,
            start_time_unix_nano=BEGUN_NS, end_time_unix_nano=BEGUN_NS + 10**9,
        )  # fmt: skip
        span.attributes.add(key="gen_ai.operation.name").value.string_value = "chat"
        span.attributes.add(key="gen_ai.request.model").value.string_value = model
        span.attributes.add(key="gen_ai.usage.input_tokens").value.int_value = input_tokens(key)
        if padding and not parent:
            span.attributes.add(key="padding").value.string_value = "x" * padding
        if prompt:
            span.attributes.add(key="gen_ai.input.messages").value.string_value = _messages(prompt)
        parent = UNKNOWN
    return message.SerializeToString()


@cache
def _messages(size: int) -> str:
    text = (PROMPT * (size // len(PROMPT) + 1))[:size]
    return json.dumps([{"role": "user", "parts": [{"type": "text", "content": text}]}])


def verdicts(sender: int, number: int, spans: int) -> bytes:
    """A logs request: an evaluation of each of so many spans."""
    message = ExportLogsServiceRequest()
    scope_logs = message.resource_logs.add().scope_logs.add()
    for key in keys(sender, number, spans):
        trace_id, span_id = map(bytes.fromhex, key)
        record = scope_logs.log_records.add(
            event_name="gen_ai.evaluation.result", time_unix_nano=BEGUN_NS, trace_id=trace_id, span_id=span_id
        )
        record.attributes.add(key="gen_ai.evaluation.name").value.string_value = VERDICT
        record.attributes.add(key="gen_ai.evaluation.score.value").value.int_value = input_tokens(key)
    return message.SerializeToString()


def counters(number: int) -> bytes:
    """A metrics request: point `number` of a counter that says how much it is, and of one that says what was added."""
    message = ExportMetricsServiceRequest()
    scope_metrics = message.resource_metrics.add().scope_metrics.add()
    for name, temporality, value in (
        ("vllm:prompt_tokens_total", AGGREGATION_TEMPORALITY_CUMULATIVE, TOKENS * number),
        ("vllm:generation_tokens_total", AGGREGATION_TEMPORALITY_DELTA, TOKENS),
    ):
        metric = scope_metrics.metrics.add(name=name)
        metric.sum.is_monotonic, metric.sum.aggregation_temporality = True, temporality
        metric.sum.data_points.add(
            as_int=value, start_time_unix_nano=BEGUN_NS, time_unix_nano=BEGUN_NS + number * 10**9
        )
    return message.SerializeToString()
