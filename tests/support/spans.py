"""Spans as a decoder would make them, and what the normaliser makes of them."""

from spanwand.normalise import Normalise
from spanwand.record import Generation, TraceRoot
from spanwand.span import AttributeValue, Span, SpanResource

CHAT: dict[str, AttributeValue] = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}


def span(
    attributes: dict[str, AttributeValue], *, resource: dict[str, AttributeValue] | None = None, **more: object
) -> Span:
    fields = {"trace_id": b"\1" * 16, "span_id": b"\2" * 8, "parent_span_id": b"\3" * 8, "end_ns": 10**9, **more}
    return Span(attributes=attributes, resource=SpanResource(resource or {}), **fields)  # type: ignore[arg-type]  # by name


def call(attributes: dict[str, AttributeValue], **more: object) -> Generation:
    generation = Normalise()(span(attributes, **more))  # type: ignore[arg-type]  # by name
    assert generation is not None
    return generation


def root(attributes: dict[str, AttributeValue], **more: object) -> TraceRoot:
    found = Normalise().root(span(attributes, parent_span_id=b"", **more))  # type: ignore[arg-type]  # by name
    assert found is not None
    return found
