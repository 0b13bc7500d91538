"""A look at the framing of an OTLP request before anything parses it.

Counts spans, log records or metrics by walking only the tags and lengths around them (the request of each signal is
Resource… > Scope… > item, with the same numbers), in no memory, and stops early. Parsing cannot do this job:
protobuf's C parser turns 2 bytes of empty span into 170.
Measured, 290-byte LLM spans, one core: this walk 0.35 µs per span (12 µs for 32, 180 µs for 512); parsing with the
view proto 0.29 µs, but unbounded in memory; a proto with spans declared as bytes 0.06 µs at 512 but 0.7 µs at 8,192
and 28 bytes of memory per empty span. A batch of 512 costs about 850 µs to receive and make durable, both sides.
"""

import msgspec

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_SKIP = {_FIXED64: 8, _FIXED32: 4}
_RESOURCE, _SCOPE, _ITEM = 1 << 3 | _BYTES, 2 << 3 | _BYTES, 2 << 3 | _BYTES
_PATH = (_RESOURCE, _SCOPE, _ITEM)
_MAX_VARINT_BITS = 63


class Scan(msgspec.Struct, frozen=True):
    """How many items, whether the framing is right, and whether the walk stopped at the limit."""

    items: int
    ok: bool = True
    too_many: bool = False


class _TooMany(Exception):
    """The limit is passed."""


class Malformed(Exception):
    """Not protobuf, or not framed as an Export request."""


def prescan(body: bytes, max_parts: int) -> Scan:
    """Count the items of a serialised Export request; stop once more than `max_parts` parts were seen.

    A part is an item or any other field at the levels above it, so that no request can make the walk long.
    """
    walk = _Walk(body, max_parts)
    try:
        walk.message(0, len(body), 0)
    except _TooMany:
        return Scan(walk.items, too_many=True)
    except (Malformed, IndexError):
        return Scan(walk.items, ok=False)
    return Scan(walk.items)


def skip(body: bytes, at: int) -> int:
    """The position behind the field at `at`. Raises Malformed, IndexError."""
    tag, at = varint(body, at)
    wire_type = tag & 7
    if wire_type == _BYTES:
        length, at = varint(body, at)
        return at + length
    if wire_type == _VARINT:
        return varint(body, at)[1]
    if wire_type not in _SKIP or tag < 1 << 3:
        raise Malformed
    return at + _SKIP[wire_type]


def varint(body: bytes, at: int) -> tuple[int, int]:
    """The varint at a position, and the position behind it. Raises Malformed, IndexError."""
    byte = body[at]
    value, shift = byte & 0x7F, 7
    while byte >= 0x80:
        if shift > _MAX_VARINT_BITS:
            raise Malformed
        at += 1
        byte = body[at]
        value |= (byte & 0x7F) << shift
        shift += 7
    return value, at + 1


class _Walk:
    """One pass over one body."""

    def __init__(self, body: bytes, max_parts: int) -> None:
        self.items = 0
        self._body = body
        self._parts_left = max_parts

    def message(self, at: int, end: int, level: int) -> None:
        """Walk the fields of a message at `level` of `_PATH`."""
        body, wanted, leaf = self._body, _PATH[level], level == len(_PATH) - 1
        while at < end:
            self._parts_left -= 1
            if self._parts_left < 0:
                raise _TooMany
            if body[at] != wanted:
                at = skip(body, at)
                continue
            length, at = varint(body, at + 1)
            if not leaf:
                self.message(at, min(at + length, end), level + 1)
            self.items += leaf
            at += length
        if at != end:
            raise Malformed
