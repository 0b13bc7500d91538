"""Spans as the OpenTelemetry SDK hands them over inside an app -> what `decode` makes of the same spans' OTLP bytes."""

from collections.abc import Iterable, Iterator, Mapping

from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME, Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, StatusCode
from opentelemetry.util.types import AnyValue

from spanwand.dialects.flattened import prefix_of
from spanwand.drops import DropReason, Drops
from spanwand.key_values import lists_of
from spanwand.span import Attributes, AttributeValue, Keys, Parser, Span, SpanEvent, SpanResource

MAX_RESOURCES = 1_000
"""Pairs of resource and scope remembered; an app has a few dozen."""


class ReadableSpans:
    """Reads the spans of one process. `instance_suffix` tells a forked process from its parent and its siblings."""

    def __init__(self, keys: Keys, instance_suffix: str = "") -> None:
        self._keys = keys
        self._instance_suffix = instance_suffix
        self._resources: dict[tuple[int, int], tuple[SpanResource, object]] = {}

    def read(self, spans: Iterable[ReadableSpan], drops: Drops) -> list[Span]:
        """Return the spans that matter: model calls and local roots, as `decode` does."""
        matching: list[Span] = []
        for span in spans:
            parent, context = span.parent, span.get_span_context()
            remote = parent is not None and parent.is_remote
            inner = parent is not None and not remote
            sent = _copied(span.attributes)
            if inner and self._keys.markers.isdisjoint(sent):
                continue
            attributes = self._attributes(sent)
            if inner and self._keys.markers.isdisjoint(attributes):
                continue
            if context is not None and context.is_valid:
                matching.append(self._span(span, context, attributes))
            else:
                drops[DropReason.INVALID_IDS] += 1
        return matching

    def _span(self, span: ReadableSpan, context: SpanContext, attributes: Attributes) -> Span:
        parent = span.parent
        is_error = span.status.status_code is StatusCode.ERROR
        return Span(
            trace_id=context.trace_id.to_bytes(16, "big"),
            span_id=context.span_id.to_bytes(8, "big"),
            parent_span_id=parent.span_id.to_bytes(8, "big") if parent else b"",
            trace_state=context.trace_state.to_header() if context.trace_state else "",
            parent_is_remote=parent is not None and parent.is_remote,
            name=_text(span.name),
            start_ns=span.start_time or 0,
            end_ns=span.end_time or 0,
            attributes=attributes,
            events=tuple(self._events(span.events, is_error=is_error)) if span.events else (),
            resource=self._resource(span.resource, span.instrumentation_scope),
            dropped_attributes=span.dropped_attributes,
            status_is_error=is_error,
            status_message=_text(span.status.description or "") if is_error else "",
        )

    def _events(self, events: Iterable[Event], *, is_error: bool) -> Iterator[SpanEvent]:
        for event in events:
            if is_error or event.name in self._keys.events:
                attributes = _parsed(_copied(event.attributes), self._keys.event_parsers)
                yield SpanEvent(_text(event.name), event.timestamp, attributes)

    def _attributes(self, sent: Mapping[str, AnyValue]) -> Attributes:
        parsed = _parsed(sent, self._keys.parsers)
        lists = self._keys.lists
        parts = [(prefix, key, _value(sent[key])) for key in sent if (prefix := prefix_of(key)) in lists]
        if begin := self._keys.beginnings:
            others = (key for key in sent if key.startswith(begin) and prefix_of(key) not in lists)
            parsed |= {key: _value(sent[key]) for key in others if key not in self._keys.parsers}
        return parsed | lists_of(parts, self._keys.parsers) if parts else parsed

    def _resource(self, resource: Resource, scope: InstrumentationScope | None) -> SpanResource:
        """One object per resource and scope. The SDK's own hash of a resource is its JSON, so the key is identity."""
        key = (id(resource), id(scope))
        known = self._resources.get(key)
        if known is None:
            if len(self._resources) >= MAX_RESOURCES:
                self._resources.clear()
            made = SpanResource(
                self._resource_attributes(resource),
                scope.name if scope else "",
                (scope.version or "") if scope else "",
            )
            known = self._resources[key] = (made, (resource, scope))  # kept alive, or the ids could be used again
        return known[0]

    def _resource_attributes(self, resource: Resource) -> Attributes:
        attributes = self._attributes(_copied(resource.attributes))
        if not self._instance_suffix:
            return attributes
        parent = attributes.get(SERVICE_INSTANCE_ID) or attributes.get(SERVICE_NAME)
        return {**attributes, SERVICE_INSTANCE_ID: f"{parent}-{self._instance_suffix}"}


def _copied(attributes: Mapping[str, AnyValue] | None) -> Mapping[str, AnyValue]:
    """As a dict: in what the SDK keeps them each look-up is a call of several of its functions."""
    try:
        return attributes.copy() if attributes else {}  # type: ignore[attr-defined]  # the SDK's have it
    except AttributeError:
        return dict(attributes or {})


def _parsed(sent: Mapping[str, AnyValue], parsers: Mapping[str, Parser]) -> dict[str, AttributeValue]:
    parsed = {key: parse(_value(sent[key])) for key in sent if (parse := parsers.get(key))}
    return parsed if None not in parsed.values() else {key: value for key, value in parsed.items() if value is not None}


def _value(value: AnyValue) -> AttributeValue:
    return _text(value) if isinstance(value, str) else value


def _text(text: str) -> str:
    """Without lone surrogates, which Python's strings may hold and UTF-8 may not."""
    return text if text.isascii() else text.encode(errors="replace").decode()
