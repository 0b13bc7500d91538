"""Serialised OTLP `KeyValue`s -> the attributes that are read.

Nearly every attribute of a span is one that an earlier span had as well (the provider, the model, the temperature, most
token counts), so short ones are remembered, read or not: then an attribute costs one look-up by its bytes.
"""

from collections.abc import Iterable

from google.protobuf.message import DecodeError

from spanwand.any_value import read
from spanwand.otlp.v1.view_pb2 import KeyValue
from spanwand.span import AttributeValue

_REMEMBERED_BYTES = 72
"""Longest that is remembered: a model's name fits; what was said, and most ids, differ every time."""
_MOST_REMEMBERED = 32_768
"""6 MB; enough for the token counts of many models."""
_NOT_READ: tuple[str, AttributeValue] = ("", None)


class KeyValues(dict[bytes, tuple[str, AttributeValue]]):
    """Key and value by their bytes: those seen before, others when they are asked for."""

    def __init__(self, keys: Iterable[str]) -> None:
        """`keys` are those that are read."""
        super().__init__()
        self._keys = {key.encode(): key for key in keys}

    def attributes(self, sent: Iterable[bytes]) -> dict[str, AttributeValue]:
        """Return those of the attributes that are read."""
        found = dict(map(self.__getitem__, sent))
        found.pop("", None)
        return found

    def __missing__(self, raw: bytes) -> tuple[str, AttributeValue]:
        pair = self._read(raw)
        if len(raw) <= _REMEMBERED_BYTES:
            if len(self) >= _MOST_REMEMBERED:
                self.clear()
            self[raw] = pair
        return pair

    def _read(self, raw: bytes) -> tuple[str, AttributeValue]:
        try:
            sent = KeyValue.FromString(raw)
        except DecodeError:
            return _NOT_READ
        key = self._keys.get(sent.key)
        return (key, read(sent.value)) if key else _NOT_READ
