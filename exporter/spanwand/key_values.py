"""Serialised OTLP `KeyValue`s -> the attributes that are read.

Nearly every attribute of a span is one that an earlier span had as well (the provider, the model, the temperature, most
token counts), so short ones are remembered, read or not: then an attribute costs one look-up by its bytes. Not so the
ids of answers, of which each comes once.
"""

from collections.abc import Iterable, Mapping
from struct import Struct

from google.protobuf.message import DecodeError

from spanwand.any_value import plain
from spanwand.dialects.flattened import prefix_of, unflatten
from spanwand.dialects.parsers import identifier
from spanwand.otlp.v1.view_pb2 import AnyValue, KeyValue
from spanwand.span import AttributeValue, Parser

REMEMBERED_BYTES = 56
"""Longest that is remembered: a model's name fits; what was said differs every time."""
MOST_REMEMBERED = 32_768
"""6 MB; enough for the token counts of many models."""
_MOST_IN_A_BYTE, _MOST_IN_TWO = 127, 16_383
_LEAST = 6
"""Bytes of tags and lengths."""
_KEY = 0x0A
_TEXT = tuple([bytes((0x12, 2 + length, 0x0A, length)) for length in range(_MOST_IN_A_BYTE - 2)])
"""By its length, what is before a text and behind its key: tags and lengths of the value and of the text in it."""
_LONG_TEXT = Struct("<BHBH")
"""The same where lengths take two bytes each."""
_NOTHING: tuple[str, AttributeValue] = ("", None)
"""Of an attribute that is not read, or cannot be used."""


class KeyValues(dict[bytes, tuple[str, AttributeValue]]):
    """Key and value by their bytes: those seen before, others when they are asked for."""

    def __init__(
        self, parsers: Mapping[str, Parser], lists: frozenset[str] = frozenset(), beginnings: tuple[str, ...] = ()
    ) -> None:
        """`parsers` of the keys that are read; `lists` are those of them that are sent flattened. Others are kept as
        they were sent if they begin with one of `beginnings`."""
        super().__init__()
        self._parsers = {key.encode(): (key, parse) for key, parse in parsers.items()}
        self._unique = {key for key, parse in parsers.items() if parse is identifier}
        self._beginnings = tuple(beginning.encode() for beginning in beginnings)
        self._list_parsers = {key: parsers[key] for key in lists}
        self._parts: list[tuple[str, str, AttributeValue]] = []

    def attributes(self, sent: Iterable[bytes]) -> dict[str, AttributeValue]:
        """Return those of the attributes that are read and can be used, each as its parser returns it."""
        found = dict(map(self.__getitem__, sent))
        found.pop("", None)
        if self._parts:  # of lists: never remembered, so each has been read just now
            parts, self._parts = self._parts, []
            found.update(lists_of(parts, self._list_parsers))
        return found

    def __missing__(self, raw: bytes) -> tuple[str, AttributeValue]:
        if len(raw) > REMEMBERED_BYTES:
            return self._read(raw)
        parts = len(self._parts)
        pair = self._read(raw)
        if len(self._parts) == parts and pair[0] not in self._unique:
            if len(self) >= MOST_REMEMBERED:
                self.clear()
            self[raw] = pair
        return pair

    def _read(self, raw: bytes) -> tuple[str, AttributeValue]:
        try:
            sent_key, sent = (_short_text(raw) if len(raw) <= _MOST_IN_A_BYTE else _long_text(raw)) or _any(raw)
        except DecodeError:
            return _NOTHING
        known = self._parsers.get(sent_key)
        if known is None:
            return self._unknown(sent_key, sent)
        key, parse = known
        value = parse(_plain(sent))
        return _NOTHING if value is None else (key, value)

    def _unknown(self, sent_key: bytes, sent: bytes | AnyValue) -> tuple[str, AttributeValue]:
        """A part of a list, which is noted; else nothing, but if it is kept for how it begins."""
        key = sent_key.decode(errors="replace")
        prefix = prefix_of(key)
        if prefix in self._list_parsers:
            self._parts.append((prefix, key, _plain(sent)))
        elif sent_key.startswith(self._beginnings):
            return key, _plain(sent)
        return _NOTHING


def _short_text(raw: bytes) -> tuple[bytes, bytes] | None:
    """Key and value of a text as all senders write short ones, with lengths of a byte; this is faster than to parse."""
    size = len(raw)
    if size < _LEAST or raw[0] != _KEY:
        return None
    key_end = 2 + raw[1]
    length = size - key_end - 4
    if length >= 0 and raw.startswith(_TEXT[length], key_end):
        return raw[2:key_end], raw[key_end + 4 :]
    return None


def _long_text(raw: bytes) -> tuple[bytes, bytes] | None:
    """The same of what is longer, as what was said is."""
    key_end = 2 + raw[1]
    length = len(raw) - key_end - _LONG_TEXT.size
    if raw[0] != _KEY or raw[1] > _MOST_IN_A_BYTE or not _MOST_IN_A_BYTE < length <= _MOST_IN_TWO - 3:
        return None
    if _LONG_TEXT.unpack_from(raw, key_end) == (0x12, _in_two_bytes(length + 3), 0x0A, _in_two_bytes(length)):
        return raw[2:key_end], raw[key_end + _LONG_TEXT.size :]
    return None


def _in_two_bytes(length: int) -> int:
    """A length as a varint, read as a number of two bytes."""
    return length & 0x7F | 0x80 | length >> 7 << 8


def _plain(sent: bytes | AnyValue) -> AttributeValue:
    return sent.decode("utf-8", "replace") if isinstance(sent, bytes) else plain(sent)


def _any(raw: bytes) -> tuple[bytes, AnyValue]:
    sent = KeyValue.FromString(raw)
    return sent.key, sent.value


def lists_of(
    parts: Iterable[tuple[str, str, AttributeValue]], parsers: Mapping[str, Parser]
) -> dict[str, AttributeValue]:
    """The lists that flattened attributes stand for, each as its parser returns it."""
    parsed = {key: parsers[key](items) for key, items in unflatten(parts).items()}
    return {key: value for key, value in parsed.items() if value is not None}
