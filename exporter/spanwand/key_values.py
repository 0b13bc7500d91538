"""Serialised OTLP `KeyValue`s -> the attributes that are read.

Nearly every attribute of a span is one that an earlier span had as well (the provider, the model, the temperature, most
token counts), so short ones are remembered, read or not: then an attribute costs one look-up by its bytes.
"""

from collections.abc import Iterable, Mapping

from google.protobuf.message import DecodeError

from spanwand.any_value import plain
from spanwand.otlp.v1.view_pb2 import KeyValue
from spanwand.span import AttributeValue, Parser

REMEMBERED_BYTES = 56
"""Longest that is remembered: a model's name fits; what was said, and most ids, differ every time."""
MOST_REMEMBERED = 32_768
"""6 MB; enough for the token counts of many models."""
_NOTHING: tuple[str, AttributeValue] = ("", None)
"""Of an attribute that is not read, or cannot be used."""


class KeyValues(dict[bytes, tuple[str, AttributeValue]]):
    """Key and value by their bytes: those seen before, others when they are asked for."""

    def __init__(self, parsers: Mapping[str, Parser]) -> None:
        """`parsers` of the keys that are read."""
        super().__init__()
        self._parsers = {key.encode(): (key, parse) for key, parse in parsers.items()}

    def attributes(self, sent: Iterable[bytes]) -> dict[str, AttributeValue]:
        """Return those of the attributes that are read and can be used, each as its parser returns it."""
        found = dict(map(self.__getitem__, sent))
        found.pop("", None)
        return found

    def __missing__(self, raw: bytes) -> tuple[str, AttributeValue]:
        pair = self._read(raw)
        if len(raw) <= REMEMBERED_BYTES:
            if len(self) >= MOST_REMEMBERED:
                self.clear()
            self[raw] = pair
        return pair

    def _read(self, raw: bytes) -> tuple[str, AttributeValue]:
        try:
            sent = KeyValue.FromString(raw)
        except DecodeError:
            return _NOTHING
        known = self._parsers.get(sent.key)
        if known is None:
            return _NOTHING
        key, parse = known
        value = parse(plain(sent.value))
        return _NOTHING if value is None else (key, value)
