"""The first stage: the bytes of an OTLP trace request -> the spans that matter, and how many spans there were.

A span matters if it carries a marker key of some dialect (a model call) or is a local root (it names a request).
The others, most of an app's spans, cost one parse in C, and a glance at the head of each attribute if there is a marker
somewhere in the request.
"""

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from operator import itemgetter

from google.protobuf.message import DecodeError

from spanwand.drops import DropReason, Drops
from spanwand.key_values import REMEMBERED_BYTES, KeyValues
from spanwand.otlp.v1 import view_pb2
from spanwand.span import Keys, Span, SpanEvent, SpanResource

_PARENT_IS_REMOTE = 0x300
"""Both OTLP flag bits: the sender knows whether the parent is remote (0x100), and it is (0x200)."""
_STATUS_ERROR = 2
_NO_TRACE_ID = bytes(16)
_NO_SPAN_ID = bytes(8)
_KEY_FIRST = b"\x0a"
"""Tag byte of a key. In what order fields are written is up to the sender; all known ones write the key first."""
_MOST_NAMES = 4096
_HEAD_CHARS = 7
_head = itemgetter(slice(2, 2 + _HEAD_CHARS))
"""The first characters of an attribute's key, behind its tag and a length of one byte."""


class _Names(dict[bytes, str]):
    """Names of spans by their bytes: nearly every one is that of many spans, which share it."""

    def __missing__(self, raw: bytes) -> str:
        name = _text(raw)
        if len(raw) <= REMEMBERED_BYTES:
            if len(self) >= _MOST_NAMES:
                self.clear()
            self[raw] = name
        return name


class Decode:
    """Reads requests. `keys` say which attributes matter."""

    def __init__(self, keys: Keys, drops: Drops) -> None:
        self._markers = keys.markers
        self._marker_heads = frozenset(key.encode()[:_HEAD_CHARS] for key in keys.markers)
        self._conventional = lru_cache(1024)(keys.conventional)
        self._needles = {False: _needles(keys.markers), True: _needles(keys.conventional_markers or keys.markers)}
        self._attributes = KeyValues(keys.parsers, keys.lists, keys.beginnings).attributes
        self._event_attributes = KeyValues(keys.event_parsers).attributes
        self._events_read = frozenset(name.encode() for name in keys.events)
        self._names = _Names()
        self._drops = drops

    def __call__(self, body: bytes) -> tuple[list[Span], int]:
        """Return the spans that matter and the number received. Never raises on what `body` holds."""
        try:
            request = view_pb2.TracesRequest.FromString(body)
        except DecodeError:
            self._drops[DropReason.UNDECODABLE] += 1
            return [], 0
        spans: list[Span] = []
        received = 0
        scopes = {scope_spans.scope.name for sent in request.resource_spans for scope_spans in sent.scope_spans}
        marked = _holds_any(body, self._needles[all(map(self._conventional, scopes))])
        for sent in request.resource_spans:
            attributes = self._attributes(sent.resource.attributes)
            key_first = all(raw.startswith(_KEY_FIRST) for raw in sent.resource.attributes)
            for scope_spans in sent.scope_spans:
                received += len(scope_spans.spans)
                resource = SpanResource(attributes, scope_spans.scope.name, scope_spans.scope.version)
                spans += self._matching(scope_spans.spans, resource, marked=marked, key_first=key_first)
        return spans, received

    def _matching(
        self, sent: Iterable[view_pb2.Span], resource: SpanResource, *, marked: bool, key_first: bool
    ) -> list[Span]:
        """The spans that matter. `marked`: there may be marker keys; `key_first`: before the values."""
        spans: list[Span] = []
        unmarked, attributes_of, names = self._marker_heads.isdisjoint, self._attributes, self._names
        for span in sent:
            parent = span.parent_span_id
            remote = span.flags & _PARENT_IS_REMOTE == _PARENT_IS_REMOTE
            inner = parent and not remote and parent != _NO_SPAN_ID
            if inner and not marked:
                continue
            sent_attributes = span.attributes[:]  # a list is twice as fast to walk
            if inner and key_first and unmarked(map(_head, sent_attributes)):
                continue
            attributes = attributes_of(sent_attributes)
            if inner and self._markers.isdisjoint(attributes):
                continue
            trace_id, span_id = span.trace_id, span.span_id
            if len(trace_id) != 16 or len(span_id) != 8 or trace_id == _NO_TRACE_ID or span_id == _NO_SPAN_ID:
                self._drops[DropReason.INVALID_IDS] += 1
                continue
            status = span.status
            is_error = status.code == _STATUS_ERROR
            events = span.events
            spans.append(
                Span(
                    trace_id=trace_id,
                    span_id=span_id,
                    parent_span_id=b"" if parent == _NO_SPAN_ID else parent,
                    trace_state=span.trace_state,
                    parent_is_remote=remote,
                    name=names[span.name],
                    start_ns=span.start_time_unix_nano,
                    end_ns=span.end_time_unix_nano,
                    attributes=attributes,
                    events=self._events(events, is_error=is_error) if events else (),
                    resource=resource,
                    dropped_attributes=span.dropped_attributes_count,
                    status_is_error=is_error,
                    status_message=_text(status.message) if is_error else "",
                )
            )
        return spans

    def _events(self, sent: Iterable[view_pb2.Event], *, is_error: bool) -> tuple[SpanEvent, ...]:
        """Events that some dialect reads, and all of a failed span: they say which exception it was."""
        return tuple(
            SpanEvent(_text(e.name), e.time_unix_nano, self._event_attributes(e.attributes))
            for e in sent
            if is_error or e.name in self._events_read
        )


def _holds_any(body: bytes, needles: list[bytes]) -> bool:
    """Whether any of them is there: 0.1 µs a span and needle that is nowhere, ten times that where much was said.

    What was found is looked for first in the next request, which nearly always has it too.
    """
    found = next((needle for needle in needles if needle in body), None)
    if found is None:
        return False
    needles.remove(found)
    needles.insert(0, found)
    return True


def _needles(markers: Iterable[str]) -> list[bytes]:
    """What any of the keys holds: their first part if it is that of several, else the key, which is found faster."""
    first = Counter(key.partition(".")[0] for key in markers)
    parts = ((key, key.partition(".")[0]) for key in markers)
    return list({(key if first[part] == 1 else f"{part}.").encode() for key, part in parts})


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")
