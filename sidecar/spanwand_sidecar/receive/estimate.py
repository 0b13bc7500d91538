"""What a request would take in memory once it is parsed, from a walk over its framing (battery R18).

Bytes on the wire bound no memory: an event of 2 bytes becomes 250 in the line, an array of empty values 35 times its
size. Only a request large enough to be dangerous is walked, so that usual batches pay nothing: `WORST_RATIO` is what
the worst part costs for its size.
"""

import msgspec

from spanwand_sidecar.receive.prescan import Malformed, skip, varint
from spanwand_sidecar.receive.signals import Signal

WORST_RATIO = 142
"""Of an empty event: 250 bytes and a field, for 2 on the wire."""
MAX_DEPTH = 100
"""Messages inside each other; the protobuf runtime parses no deeper."""
FIELD_BYTES = 32
"""Counted for any field, which also bounds how long a walk can be."""


class Part(msgspec.Struct, frozen=True):
    """A message: its memory beyond its fields', and the messages in it by tag."""

    cost_bytes: int
    parts: "dict[int, Part]"


class TooCostly(Exception):
    """The limit is passed."""


def _tag(number: int) -> int:
    return number << 3 | 2


_VALUE = Part(64, {})
_KEY_VALUE = Part(70, {_tag(2): _VALUE})
_VALUE.parts.update({_tag(5): Part(0, {_tag(1): _VALUE}), _tag(6): Part(0, {_tag(1): _KEY_VALUE})})
_RESOURCE = Part(0, {_tag(1): _KEY_VALUE})
_EXEMPLAR = Part(100, {_tag(7): _KEY_VALUE})
_EVENT = Part(250, {_tag(3): _KEY_VALUE})
_LINK = Part(100, {_tag(4): _KEY_VALUE})
_SPAN = Part(170, {_tag(9): _KEY_VALUE, _tag(11): _EVENT, _tag(13): _LINK})
_LOG_RECORD = Part(170, {_tag(5): _VALUE, _tag(6): _KEY_VALUE})
_POINT = Part(120, {_tag(7): _KEY_VALUE, _tag(5): _EXEMPLAR})
_HISTOGRAM_POINT = Part(120, {_tag(9): _KEY_VALUE, _tag(8): _EXEMPLAR})
_EXPONENTIAL_POINT = Part(120, {_tag(1): _KEY_VALUE, _tag(11): _EXEMPLAR})
_NUMBERS = Part(60, {_tag(1): _POINT})
_METRIC = Part(
    120,
    {
        _tag(5): _NUMBERS,
        _tag(7): _NUMBERS,
        _tag(9): Part(60, {_tag(1): _HISTOGRAM_POINT}),
        _tag(10): Part(60, {_tag(1): _EXPONENTIAL_POINT}),
        _tag(11): _NUMBERS,
        _tag(12): _KEY_VALUE,
    },
)


def _request(item: Part) -> Part:
    """Items in scopes in resources: the outer shape of all three signals."""
    scope = Part(60, {_tag(1): Part(60, {_tag(3): _KEY_VALUE}), _tag(2): item})
    return Part(0, {_tag(1): Part(60, {_tag(1): _RESOURCE, _tag(2): scope})})


REQUESTS = {
    Signal.TRACES: _request(_SPAN),
    Signal.METRICS: _request(_METRIC),
    Signal.LOGS: _request(_LOG_RECORD),
}


def check_cost(signal: Signal, body: bytes, max_bytes: int) -> None:
    """Raises TooCostly if `body` would take over `max_bytes` when parsed, Malformed if it cannot be walked."""
    if len(body) * WORST_RATIO <= max_bytes:
        return
    try:
        _Walk(body, max_bytes - len(body)).message(0, len(body), REQUESTS[signal], MAX_DEPTH)
    except IndexError:
        raise Malformed from None


class _Walk:
    """One pass over one body."""

    def __init__(self, body: bytes, budget_bytes: int) -> None:
        self._body = body
        self._left = budget_bytes

    def message(self, at: int, end: int, part: Part, depth: int) -> None:
        """Walk the fields of a message."""
        body, parts = self._body, part.parts
        self._left -= part.cost_bytes
        while at < end:
            self._left -= FIELD_BYTES
            if self._left < 0 or depth == 0:
                raise TooCostly
            inner = parts.get(body[at])
            if inner is None:
                at = skip(body, at)
                continue
            length, at = varint(body, at + 1)
            self.message(at, min(at + length, end), inner, depth - 1)
            at += length
        if at != end:
            raise Malformed
