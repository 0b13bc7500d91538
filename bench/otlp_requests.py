"""What the line is fed with in `line.py`: OTLP requests as stock SDKs send them, of calls of several kinds."""

import json
import random
from collections.abc import Callable, Iterable

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from mixed_dialects import Attributes, mixed
from prose import prose

BODY_SPANS = 512
TRACE_SPANS = 8
SECOND_NS = 1_000_000_000
NOW_NS = 1_780_000_000 * SECOND_NS
BODIES = 24
"""Requests per workload, 12,288 spans. They are fed over and over, each time with other trace ids."""
FIRST_ROUND = b"r0000000"
"""First half of each trace id, and in each response id, as built: ids are never seen twice."""

RESOURCE: Attributes = {
    "service.name": "studio",
    "service.instance.id": "studio-1",
    "deployment.environment.name": "production",
}
FIELDS = {str: "string_value", bool: "bool_value", int: "int_value", float: "double_value"}


def key_values(attributes: Attributes) -> list[KeyValue]:
    """OTLP attributes."""
    made = [KeyValue(key=key) for key in attributes]
    for attribute, value in zip(made, attributes.values(), strict=True):
        if isinstance(value, list):
            attribute.value.array_value.values.extend(AnyValue(string_value=text) for text in value)
        else:
            setattr(attribute.value, FIELDS[type(value)], value)
    return made


def llm_attributes(rng: random.Random) -> Attributes:
    """What the OpenAI instrumentation writes for a chat."""
    names = "operation.name system provider.name request.model response.model response.id conversation.id"
    answered = rng.choice(["gpt-4o-mini-2024-07-18", "gpt-4o-2024-08-06"])
    ids = [f"chatcmpl-{FIRST_ROUND.decode()}{rng.getrandbits(64):x}", f"c{rng.randrange(1_000)}"]
    texts = ["chat", "openai", "openai", "gpt-4o-mini", answered, *ids]
    return {
        **{f"gen_ai.{name}": text for name, text in zip(names.split(), texts, strict=True)},
        "gen_ai.request.temperature": 0.7,
        "gen_ai.request.max_tokens": 1_024,
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": rng.randrange(50, 4_000),
        "gen_ai.usage.output_tokens": rng.randrange(1, 900),
        "server.address": "api.openai.com",
        "server.port": 443,
    }


def content_attributes(rng: random.Random) -> Attributes:
    """The same with 2 KB of messages as JSON."""

    def messages(role: str) -> str:
        return json.dumps([{"role": role, "parts": [{"type": "text", "content": prose(rng, 930)}]}])

    return llm_attributes(rng) | {
        f"gen_ai.{n}.messages": messages(r) for n, r in (("input", "user"), ("output", "model"))
    }


def http_attributes(rng: random.Random) -> Attributes:
    """What the FastAPI instrumentation writes."""
    names = "http.request.method http.route url.path url.scheme network.protocol.version user_agent.original"
    texts = ["GET", "/comics/{id}", f"/comics/{rng.randrange(1_000)}", "http", "1.1", "python-httpx/0.28"]
    numbers: Attributes = {"http.response.status_code": 200, "server.port": 8_000}
    return {**dict(zip(names.split(), texts, strict=True)), **numbers, "server.address": "localhost"}


def spans(attributes: Callable[[random.Random], Attributes], rng: random.Random) -> Iterable[Span]:
    """Traces of a root and its children; the children call the model."""
    for _ in range(BODY_SPANS // TRACE_SPANS):
        trace_id, root_id = FIRST_ROUND + rng.randbytes(8), rng.randbytes(8)
        for index in range(TRACE_SPANS):
            is_root = index == TRACE_SPANS - 1
            start_ns = NOW_NS - rng.randrange(5 * SECOND_NS)
            yield Span(
                trace_id=trace_id,
                span_id=root_id if is_root else rng.randbytes(8),
                parent_span_id=b"" if is_root else root_id,
                name="POST /comics" if is_root else "chat gpt-4o-mini",
                kind=Span.SPAN_KIND_SERVER if is_root else Span.SPAN_KIND_CLIENT,
                start_time_unix_nano=start_ns,
                end_time_unix_nano=start_ns + rng.randrange(4 * SECOND_NS),
                attributes=key_values(http_attributes(rng) if is_root else attributes(rng)),
                flags=0x101,
            )


def bodies(attributes: Callable[[random.Random], Attributes]) -> list[bytes]:
    """Serialised OTLP requests."""
    rng = random.Random(7)
    resource = Resource(attributes=key_values(RESOURCE))
    scope = InstrumentationScope(name="opentelemetry.instrumentation.openai_v2", version="2.4b0")
    made = []
    for _ in range(BODIES):
        scope_spans = ScopeSpans(scope=scope, spans=spans(attributes, rng))
        resource_spans = ResourceSpans(resource=resource, scope_spans=[scope_spans])
        made.append(ExportTraceServiceRequest(resource_spans=[resource_spans]).SerializeToString())
    return made


def mixed_attributes(rng: random.Random) -> Attributes:
    """What instrumentations of other dialects write."""
    return mixed(rng, f"chatcmpl-{FIRST_ROUND.decode()}{rng.getrandbits(64):x}")
