"""What comes in: a span as OpenTelemetry says it, before anything is known about its dialect."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

AttributeValue = str | bool | int | float | bytes | Sequence[object] | Mapping[str, object] | None
Attributes = Mapping[str, AttributeValue]
Parser = Callable[[AttributeValue], AttributeValue]
"""Returns the value for the record, or `None` if it cannot be used: then the next key in order of trust is. It must
not raise, and what it returns is shared."""


class Keys(msgspec.Struct, frozen=True):
    """Which attribute keys mark a model call, and which are read from a span, its events or its resource.

    What is read goes through the parser of its key right there, where one that was seen before need not be parsed
    again. An attribute whose parser returns `None` says nothing, as if it had not been sent. `lists` are keys that are
    sent flattened, an attribute for each field of each item; their parsers are given the list. `events` are the names
    of span events that are read, `event_parsers` the parsers of their attributes. What nothing reads is left out, but
    for keys that begin with one of `beginnings`: these are kept as they were sent.
    `conventional` says of the name of an instrumentation scope that it writes OpenTelemetry's conventions and nothing
    else: of the markers, `conventional_markers` alone.
    """

    markers: frozenset[str]
    parsers: Mapping[str, Parser]
    conventional_markers: frozenset[str] = frozenset()
    conventional: Callable[[str], bool] = bool
    lists: frozenset[str] = frozenset()
    events: frozenset[str] = frozenset()
    beginnings: tuple[str, ...] = ()
    event_parsers: Mapping[str, Parser] = {}


class SpanResource(msgspec.Struct, frozen=True, gc=False):
    """Who sent a span: resource attributes and instrumentation scope, shared by many spans."""

    attributes: Attributes
    scope_name: str = ""
    scope_version: str = ""


class SpanEvent(msgspec.Struct, frozen=True, gc=False):
    """One event on a span."""

    name: str
    time_ns: int
    attributes: Attributes


class Span(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One decoded span whose dialect is not known yet.

    `attributes` holds the keys that some dialect reads, not all that were sent, each as its parser returned it. Ids
    are raw bytes: 16 and 8 long (an empty `parent_span_id` marks a root).
    """

    trace_id: bytes
    span_id: bytes
    parent_span_id: bytes = b""
    trace_state: str = ""
    parent_is_remote: bool = False
    name: str = ""
    start_ns: int = 0
    end_ns: int = 0
    attributes: Attributes
    events: tuple[SpanEvent, ...] = ()
    resource: SpanResource
    dropped_attributes: int = 0
    status_is_error: bool = False
    status_message: str = ""
