"""The SDK's spans, read in the app's own process, are what `decode` makes of their OTLP bytes (P11)."""

from collections.abc import Sequence

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, Tracer, set_span_in_context

from spanwand.config import GatherConfig, LineConfig, RedactConfig
from spanwand.decode import Decode
from spanwand.drops import DropReason, Drops
from spanwand.pipeline import Pipeline
from spanwand.readable_span import ReadableSpans

REQUESTS = 40
CONFIG = LineConfig(
    redact=RedactConfig(policy="redacted"), gather=GatherConfig(request_attributes=("comic.id", "panels", "app.*"))
)


@pytest.fixture
def spans() -> Sequence[ReadableSpan]:
    """Ended spans of the stock SDK: chats and images in two arms, errors, remote parents, others."""
    memory = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource({"service.name": "studio", "service.instance.id": "studio-1"}))
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = provider.get_tracer("openai", "2.1")
    for number in range(REQUESTS):
        request(tracer, number)
    return memory.get_finished_spans()


def request(tracer: Tracer, number: int) -> None:
    """One in four was called from another service; one in five fails."""
    caller = SpanContext(number + 1, 5, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    context = set_span_in_context(NonRecordingSpan(caller)) if number % 4 == 0 else None
    shared = {"spanwand.experiment": "prompts", "spanwand.arm": "ab"[number % 2], "comic.id": f"c{number}"}
    with tracer.start_as_current_span("make comic", context, attributes=shared):
        with tracer.start_as_current_span("GET /", attributes={"http.method": "GET", "list": ["a", "b"]}):
            pass
        with tracer.start_as_current_span("image", attributes=shared) as image:
            image.set_attributes({"gen_ai.operation.name": "image_generation", "gen_ai.request.model": "sdxl"})
            image.set_attributes({"diffusion.steps": 30, "diffusion.guidance_scale": 7.5, "panels": [1, 2, 3]})
        if number % 5:
            chat(tracer, number, shared)
        else:
            with pytest.raises(LookupError):
                chat(tracer, number, shared)


def chat(tracer: Tracer, number: int, shared: dict[str, str]) -> None:
    with tracer.start_as_current_span("chat", attributes=shared) as span:
        span.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai"})
        span.set_attributes({"gen_ai.request.model": "gpt-4o-mini", "user.id": "ann@example.com"})
        span.set_attributes({"gen_ai.usage.input_tokens": 2**40 + number, "gen_ai.usage.output_tokens": 7})
        span.set_attribute("gen_ai.response.finish_reasons", ["stop", "length"])
        span.set_attribute("gen_ai.input.messages", '[{"role":"user","parts":[{"type":"text","content":"hé?"}]}]')
        span.set_attribute("gen_ai.request.temperature", 0.1 + number)
        span.set_attributes({"app.page": number, "app.panels": ["a", "é"], "other": 1})
        span.add_event("cut")
        if number % 5 == 0:
            raise LookupError("nö")


def line() -> Pipeline:
    return Pipeline(CONFIG, b"k" * 32)


def test_same_spans(spans: Sequence[ReadableSpan]) -> None:
    keys, drops = line().keys, Drops()
    decoded, received = Decode(keys, drops)(encode_spans(spans).SerializeToString())
    assert ReadableSpans(keys).read(spans, drops) == decoded
    assert (received, len(decoded), drops.total()) == (len(spans), 3 * REQUESTS, 0)


def test_same_points_and_rows(spans: Sequence[ReadableSpan]) -> None:
    """P11: the same batches, figure for figure and cell for cell, as through the sidecar."""
    over_the_wire, in_process = line(), line()
    reader = ReadableSpans(in_process.keys)
    expected, made = [], []
    for start, arrival_ns in ((0, 10**18), (80, 10**18 + 12 * 10**9)):
        part = spans[start : start + 80]
        frame = (start, start + 80, arrival_ns)
        expected.append(over_the_wire.traces(*frame, encode_spans(part).SerializeToString()))
        made.append(in_process.spans(*frame, reader.read(part, in_process.drops), len(part)))
    expected.append(over_the_wire.drain(160, 161, 10**18 + 13 * 10**9))
    made.append(in_process.drain(160, 161, 10**18 + 13 * 10**9))
    assert made == expected
    updates = [update for batch in made if batch for update in batch.updates]
    assert sum(update.points.get("llm/requests", 0) for update in updates) == REQUESTS
    assert sum(update.points.get("diffusion/requests", 0) for update in updates) == REQUESTS
    assert sum(len(update.rows.get("generations", ())) for update in updates) == 2 * REQUESTS
    assert sum(len(update.rows.get("requests", ())) for update in updates) == REQUESTS


def test_a_forked_process_is_an_instance_of_its_own(spans: Sequence[ReadableSpan]) -> None:
    first = ReadableSpans(line().keys, "77").read(spans, Drops())[0]
    assert first.resource.attributes["service.instance.id"] == "studio-1-77"


def test_what_is_no_utf8_does_not_get_through() -> None:
    """Python's strings may hold lone surrogates, from file names for example; no sink could write them."""
    memory = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    with provider.get_tracer("app").start_as_current_span("a\udc80", attributes={"user.id": "b\udc81"}):
        pass
    (span,) = ReadableSpans(line().keys).read(memory.get_finished_spans(), Drops())
    assert (span.name, span.attributes["user.id"]) == ("a?", "b?")


def test_a_span_without_ids_is_counted() -> None:
    drops = Drops()
    assert ReadableSpans(line().keys).read([ReadableSpan("x", context=SpanContext(0, 0, is_remote=False))], drops) == []
    assert drops == {DropReason.INVALID_IDS: 1}
