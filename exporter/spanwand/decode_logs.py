"""The first stage for logs: the bytes of an OTLP logs request -> the events that are known by name.

The others, an app's own log lines, cost a look at each record's name and its attributes' heads.
"""

from collections.abc import Mapping

from google.protobuf.message import DecodeError

from spanwand.any_value import plain
from spanwand.dialects.log_events import EVENT_NAME, EVENTS
from spanwand.drops import DropReason, Drops
from spanwand.events import LogEvent
from spanwand.key_values import KeyValues
from spanwand.otlp.v1 import logs_view_pb2 as view
from spanwand.span import Parser, SpanResource

_NAME = EVENT_NAME.encode()
_NO_ID = frozenset({b"", bytes(16), bytes(8)})


class DecodeLogs:
    """Reads requests. `parsers` say which attributes of events and of resources are read."""

    def __init__(self, parsers: Mapping[str, Parser], drops: Drops) -> None:
        self._attributes = KeyValues(parsers).attributes
        self._drops = drops

    def __call__(self, body: bytes) -> tuple[list[LogEvent], int]:
        """Return the known events and the number of all records. Never raises on what `body` holds."""
        try:
            request = view.LogsRequest.FromString(body)
        except DecodeError:
            self._drops[DropReason.UNDECODABLE] += 1
            return [], 0
        events: list[LogEvent] = []
        received = 0
        for sent in request.resource_logs:
            resource = SpanResource(self._attributes(sent.resource.attributes))
            for scope in sent.scope_logs:
                received += len(scope.log_records)
                events += [event for record in scope.log_records if (event := self._event(record, resource))]
        return events, received

    def _event(self, record: view.LogRecord, resource: SpanResource) -> LogEvent | None:
        if not record.event_name and not any(_NAME in raw for raw in record.attributes):
            return None
        attributes = self._attributes(record.attributes)
        name = record.event_name.decode(errors="replace") or attributes.get(EVENT_NAME)
        if not isinstance(name, str) or name not in EVENTS:
            return None
        return LogEvent(
            name=name,
            trace_id=_id(record.trace_id, 16),
            span_id=_id(record.span_id, 8),
            time_ns=record.time_unix_nano or record.observed_time_unix_nano,
            attributes=attributes,
            body=plain(record.body),
            resource=resource,
        )


def _id(sent: bytes, length: int) -> bytes:
    return sent if len(sent) == length and sent not in _NO_ID else b""
