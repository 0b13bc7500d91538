"""A JSON value -> the value of a protobuf field, as OTLP/JSON has it. Raises TypeError or ValueError."""

import base64
import re
from collections.abc import Callable, Mapping

from google.protobuf.descriptor import FieldDescriptor

_HEX_FIELDS = frozenset({"trace_id", "span_id", "parent_span_id"})
_NOT_FINITE = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
_INTEGER = re.compile(r"-?[0-9]{1,20}")
_NUMBER = re.compile(r"-?[0-9]{1,400}(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,4})?")

Convert = Callable[[object], object]


def converter(field: FieldDescriptor) -> Convert:
    """How a value of a scalar field is read."""
    if field.name in _HEX_FIELDS:
        return _hex
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _base64
    return _CONVERTERS.get(field.cpp_type, _integer)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _integer(value: object) -> int:
    """A number or, as JavaScript cannot hold 64 bits, a string of digits. protobuf checks the range."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if _INTEGER.fullmatch(_text(value)):
        return int(_text(value))
    raise ValueError


def _enum(value: object) -> int:
    """Numbers only, says OTLP; numbers of later versions are kept."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise TypeError


def _double(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    text = _text(value)
    if text in _NOT_FINITE:
        return _NOT_FINITE[text]
    if _NUMBER.fullmatch(text):
        return float(text)
    raise ValueError


def _hex(value: object) -> bytes:
    """Ids, in either case."""
    text = _text(value)
    if not text.isascii() or " " in text:
        raise ValueError
    return bytes.fromhex(text)


def _base64(value: object) -> bytes:
    """Either alphabet, padded or not."""
    text = _text(value).rstrip("=").translate({ord("-"): "+", ord("_"): "/"})
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


_CONVERTERS: Mapping[int, Convert] = {
    FieldDescriptor.CPPTYPE_STRING: _text,
    FieldDescriptor.CPPTYPE_BOOL: _truth,
    FieldDescriptor.CPPTYPE_ENUM: _enum,
    FieldDescriptor.CPPTYPE_DOUBLE: _double,
}
"""By type in memory; every other one is an integer."""
