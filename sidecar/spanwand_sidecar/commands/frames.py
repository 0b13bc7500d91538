"""A frame of the journal as a JSON document."""

from collections.abc import Callable, Iterable, Iterator

import msgspec
from google.protobuf.message import DecodeError

from spanwand.any_value import plain
from spanwand.otlp.v1 import view_pb2
from spanwand.record import Generation
from spanwand_sidecar.journal import Frame, FrameKind
from spanwand_sidecar.journal.frame import Damage
from spanwand_sidecar.receive.prescan import prescan

OTLP = frozenset({FrameKind.OTLP_TRACES, FrameKind.OTLP_METRICS, FrameKind.OTLP_LOGS})
Document = dict[str, object]


class Show(msgspec.Struct, frozen=True):
    """What else than the frame itself: the model calls in a request, redacted by `calls`, or all spans, as sent."""

    calls: Callable[[bytes], Iterable[Generation]] | None = None
    raw: bool = False


def document(item: Frame | Damage, show: Show) -> Document:
    """The line of a frame, or of a stretch that cannot be read."""
    if isinstance(item, Damage):
        return {"kind": "damage", "position": item.start, "end": item.end}
    found: Document = {
        "kind": item.kind.name.lower(),
        "position": item.start,
        "end": item.end,
        "arrival_ns": item.arrival_ns,
        "size_bytes": len(item.body),
    }
    if item.kind in OTLP:
        found["items" if item.kind is not FrameKind.OTLP_TRACES else "spans"] = prescan(item.body, len(item.body)).items
    if item.kind is FrameKind.OTLP_TRACES:
        if show.calls:
            found["model_calls"] = [_call(call) for call in show.calls(item.body)]
        if show.raw:
            found["raw_spans"] = list(_raw_spans(item.body))
    return found


def _call(call: Generation) -> Document:
    plain: Document = msgspec.to_builtins(call)
    del plain["held_content"]  # nothing is held any more
    ids = {key: getattr(call, key).hex() for key in ("trace_id", "span_id", "parent_span_id")}
    return {**plain, **ids, "media": [media.sha256 for media in call.media]}


def _raw_spans(body: bytes) -> Iterator[Document]:
    try:
        request = view_pb2.TracesRequest.FromString(body)
    except DecodeError:
        return
    for resource_spans in request.resource_spans:
        resource = _attributes(resource_spans.resource.attributes)
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                yield {**_raw_span(span), "scope": scope_spans.scope.name, "resource": resource}


def _raw_span(span: view_pb2.Span) -> Document:
    return {
        "trace_id": span.trace_id.hex(),
        "span_id": span.span_id.hex(),
        "parent_span_id": span.parent_span_id.hex(),
        "name": _text(span.name),
        "start_ns": span.start_time_unix_nano,
        "end_ns": span.end_time_unix_nano,
        "status": {"code": span.status.code, "message": _text(span.status.message)},
        "attributes": _attributes(span.attributes),
        "events": [
            {"name": _text(event.name), "time_ns": event.time_unix_nano, "attributes": _attributes(event.attributes)}
            for event in span.events
        ],
    }


def _attributes(sent: Iterable[bytes]) -> Document:
    found: Document = {}
    for raw in sent:
        try:
            pair = view_pb2.KeyValue.FromString(raw)
        except DecodeError:
            continue
        found[_text(pair.key)] = plain(pair.value)
    return found


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")
