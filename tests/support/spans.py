"""Spans as a decoder would make them, and what the normaliser makes of them."""

from collections.abc import Mapping

from spanwand.dialects.parsers import as_sent
from spanwand.normalise import Normalise
from spanwand.record import Generation
from spanwand.request import TraceRoot
from spanwand.span import AttributeValue, Span, SpanResource

PARSERS = Normalise().keys.parsers

CHAT: dict[str, AttributeValue] = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}


def span(
    attributes: dict[str, AttributeValue], *, resource: dict[str, AttributeValue] | None = None, **more: object
) -> Span:
    fields = {"trace_id": b"\1" * 16, "span_id": b"\2" * 8, "parent_span_id": b"\3" * 8, "end_ns": 10**9, **more}
    sender = SpanResource(parsed(resource or {}))
    return Span(attributes=parsed(attributes), resource=sender, **fields)  # type: ignore[arg-type]  # by name


def parsed(attributes: Mapping[str, AttributeValue]) -> dict[str, AttributeValue]:
    """What a decoder leaves of attributes as they were sent."""
    values = {key: PARSERS.get(key, as_sent)(value) for key, value in attributes.items()}
    return {key: value for key, value in values.items() if value is not None}


def call(attributes: dict[str, AttributeValue], **more: object) -> Generation:
    generation = Normalise()(span(attributes, **more))  # type: ignore[arg-type]  # by name
    assert generation is not None
    return generation


def root(attributes: dict[str, AttributeValue], **more: object) -> TraceRoot:
    found = Normalise().root(span(attributes, parent_span_id=b"", **more))  # type: ignore[arg-type]  # by name
    assert found is not None
    return found
