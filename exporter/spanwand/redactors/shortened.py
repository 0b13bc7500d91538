"""JSON that is too long, shorter: it stays JSON, and of its longest texts the beginnings are left."""

from typing import Any

import msgspec

_MOST_VALUES = 512
"""Of a document with more, hardly more than names would be left; and it bounds the work."""
_JSON_STARTS = ("[", "{")
_TRIES = 3
_MORE = "\u2026"
_AROUND_NOTE = len(f',"{_MORE}":""')


def shortened(text: str, limit: int, note: str) -> str | None:
    """At most `limit` characters, `note` among them; `None` if that cannot be done, or the text is no JSON."""
    try:
        document = msgspec.json.decode(text) if text.lstrip()[:1] in _JSON_STARTS else None
        return _shortened(document, limit, note) if document else None
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None


def _shortened(document: object, limit: int, note: str) -> str | None:
    sizes = _sizes(document)
    if not sizes:
        return None
    room = limit - len(note) - _AROUND_NOTE - (_size(document) - sum(sizes))
    for _ in range(_TRIES):
        if room < len(sizes):
            break
        shorter = _text(_noted(_cut(document, _level(sizes, room)), note))
        if len(shorter) <= limit:
            return shorter
        room = room * 3 // 4  # escapes are not spread evenly
    return None


def _level(sizes: list[int], room: int) -> int:
    """To how many characters the longest texts have to be cut, so that all fit."""
    for at, size in enumerate(sizes):
        share = room // (len(sizes) - at)
        if size > share:
            return share
        room -= size
    return room


def _cut(value: object, level: int) -> object:
    if isinstance(value, str):
        size = _size(value)
        return value if size <= level else value[: max(len(value) * level // size - 2, 0)] + _MORE
    if isinstance(value, dict):
        return {key: _cut(item, level) for key, item in value.items()}
    return [_cut(item, level) for item in value] if isinstance(value, list) else value


def _noted(document: object, note: str) -> object:
    if isinstance(document, dict):
        return {**document, _MORE: note}
    return [*document, note] if isinstance(document, list) else document


def _sizes(document: object) -> list[int]:
    """Of each text, as JSON, the shortest first; none if there are too many values."""
    sizes: list[int] = []
    values: list[Any] = [document]
    for value in values:
        if isinstance(value, str):
            sizes.append(_size(value))
        elif isinstance(value, (dict, list)):
            values += value.values() if isinstance(value, dict) else value
        if len(values) > _MOST_VALUES:
            return []
    return sorted(sizes)


def _size(value: object) -> int:
    return len(_text(value))


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()
