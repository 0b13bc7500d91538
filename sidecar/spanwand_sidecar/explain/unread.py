"""Attributes of a span that no dialect reads: what an instrumentation says, and the record does not."""

from collections.abc import Iterable

from google.protobuf.message import DecodeError

from spanwand.dialects.flattened import prefix_of
from spanwand.otlp.v1.view_pb2 import KeyValue
from spanwand.span import Keys

_MOST, _LONGEST = 32, 128


def unread(sent: Iterable[bytes], keys: Keys) -> tuple[str, ...]:
    """Their keys in order, each once, cut where they are long; a list that is sent flattened is one, as `key.*`."""
    named = sorted({_named(key) for raw in sent if (key := _key(raw)) and not _is_read(key, keys)})
    more = (f"and {len(named) - _MOST} more",) if len(named) > _MOST else ()
    return (*(name[:_LONGEST] for name in named[:_MOST]), *more)


def _is_read(key: str, keys: Keys) -> bool:
    return key in keys.parsers or key in keys.markers or prefix_of(key) in keys.lists or key.startswith(keys.beginnings)


def _named(key: str) -> str:
    prefix = prefix_of(key)
    return f"{prefix}.*" if prefix else key


def _key(raw: bytes) -> str:
    try:
        return KeyValue.FromString(raw).key.decode(errors="replace")
    except DecodeError:
        return ""
