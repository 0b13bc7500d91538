"""A serialised OTLP `AnyValue` -> the Python value.

What instrumentations really send (strings, small counts, doubles) is read from the wire here, in 0.2 µs; everything
else is left to protobuf, which is exact and four times slower.
"""

import struct
from functools import lru_cache

from google.protobuf.message import DecodeError

from spanwand.otlp.v1.view_pb2 import AnyValue
from spanwand.span import AttributeValue

# A tag byte, then the value: field number and wire type of the `oneof` of AnyValue.
_STRING, _INT, _DOUBLE = 0x0A, 0x18, 0x21
_MORE = 0x80
"""Bit of a varint byte that says another one follows."""
_CACHED_BYTES = 64
_double = struct.Struct("<d").unpack_from


def read(raw: bytes) -> AttributeValue:
    """Return the value; `None` for an empty or damaged one. Arrays become tuples, key-value lists dicts."""
    size = len(raw)
    if size > 1:
        tag = raw[0]
        if tag == _STRING:
            return _string(raw, size)
        if tag == _INT and size == 2 and raw[1] < _MORE:
            return raw[1]
        if tag == _INT and size == 3 and raw[2] < _MORE <= raw[1]:
            return raw[1] & ~_MORE | raw[2] << 7
        if tag == _DOUBLE and size == 9:
            number: float = _double(raw, 1)[0]
            return number
    return _cached(raw) if size <= _CACHED_BYTES else _parsed(raw)


def _string(raw: bytes, size: int) -> AttributeValue:
    start, length, shift = 1, 0, 0
    if raw[1] < _MORE:
        start, length = 2, raw[1]
    else:
        while start < size and start < 6:
            byte = raw[start]
            length |= (byte & ~_MORE) << shift
            start += 1
            shift += 7
            if byte < _MORE:
                break
    if start + length == size:
        return raw[start:].decode(errors="replace")
    return _parsed(raw)


def _parsed(raw: bytes) -> AttributeValue:
    try:
        return _plain(AnyValue.FromString(raw))
    except DecodeError:
        return None


_cached = lru_cache(1024)(_parsed)
"""Finish reasons, booleans: few different values, so parsed once."""


def _plain(value: AnyValue) -> AttributeValue:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return tuple([_plain(item) for item in value.array_value.values])
    if kind == "kvlist_value":
        items = value.kvlist_value.values
        return {key: _plain(items[key]) for key in items}
    scalar: AttributeValue = getattr(value, kind)
    return scalar
