"""The first stage: the bytes of an OTLP trace request -> the spans that matter, and how many spans there were.

A span matters if it carries a marker key of some dialect (a model call) or is a local root (it names a request).
The others, most of an app's spans, cost one parse in C and one look-up each.
"""

from google.protobuf.internal.containers import RepeatedCompositeFieldContainer
from google.protobuf.message import DecodeError

from spanwand.any_value import read_all
from spanwand.drops import DropReason, Drops
from spanwand.otlp.v1 import view_pb2
from spanwand.span import Keys, Span, SpanEvent, SpanResource

_PARENT_IS_REMOTE = 0x300
"""Both OTLP flag bits: the sender knows whether the parent is remote (0x100), and it is (0x200)."""
_STATUS_ERROR = 2
_NO_TRACE_ID = bytes(16)
_NO_SPAN_ID = bytes(8)


def decode(body: bytes, keys: Keys, drops: Drops) -> tuple[list[Span], int]:
    """Return the spans that matter and the number received. Never raises on what `body` holds."""
    try:
        request = view_pb2.TracesRequest.FromString(body)
    except DecodeError:
        drops[DropReason.UNDECODABLE] += 1
        return [], 0
    spans: list[Span] = []
    received = 0
    for sent in request.resource_spans:
        attributes = read_all(sent.resource.attributes, keys.read)
        for scope_spans in sent.scope_spans:
            received += len(scope_spans.spans)
            scope = scope_spans.scope
            resource = SpanResource(attributes, scope.name, scope.version)
            spans += _matching(scope_spans.spans, resource, keys, drops)
    return spans, received


def _matching(
    sent: RepeatedCompositeFieldContainer[view_pb2.Span], resource: SpanResource, keys: Keys, drops: Drops
) -> list[Span]:
    spans: list[Span] = []
    markers, read = keys.markers, keys.read
    for span in sent:
        remote = span.flags & _PARENT_IS_REMOTE == _PARENT_IS_REMOTE
        parent = span.parent_span_id
        attributes = span.attributes
        if parent and not remote and markers.isdisjoint(attributes) and parent != _NO_SPAN_ID:
            continue
        trace_id, span_id = span.trace_id, span.span_id
        if len(trace_id) != 16 or len(span_id) != 8 or trace_id == _NO_TRACE_ID or span_id == _NO_SPAN_ID:
            drops[DropReason.INVALID_IDS] += 1
            continue
        status = span.status
        is_error = status.code == _STATUS_ERROR
        spans.append(
            Span(
                trace_id=trace_id,
                span_id=span_id,
                parent_span_id=b"" if parent == _NO_SPAN_ID else parent,
                trace_state=span.trace_state,
                parent_is_remote=remote,
                name=span.name.decode("utf-8", "replace"),
                start_ns=span.start_time_unix_nano,
                end_ns=span.end_time_unix_nano,
                attributes=read_all(attributes, read),
                events=_events(span.events, read) if is_error else (),
                resource=resource,
                status_is_error=is_error,
                status_message=_text(status.message) if is_error else "",
            )
        )
    return spans


def _events(sent: RepeatedCompositeFieldContainer[view_pb2.Event], read: frozenset[str]) -> tuple[SpanEvent, ...]:
    """Events of a failed span: they say which exception it was."""
    return tuple(SpanEvent(_text(e.name), e.time_unix_nano, read_all(e.attributes, read)) for e in sent)


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")
