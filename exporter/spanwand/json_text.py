"""A value as compact JSON text of a bounded length. What is too long loses whole items, so it stays JSON."""

import json
from collections.abc import Callable, Mapping, Sequence

_MORE = "\u2026"


def json_text(value: object, max_chars: int) -> str:
    """At most `max_chars` characters; items that had to go are counted in an item of their own, `…12 more`."""
    text = _dumps(value)
    if len(text) <= max_chars:
        return text
    if isinstance(value, Mapping):
        pairs = list(value.items())
        return _longest(len(pairs), lambda kept: {**dict(pairs[:kept]), _MORE: f"{len(pairs) - kept} more"}, max_chars)
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        items = list(value)
        return _longest(len(items), lambda kept: [*items[:kept], f"{_MORE}{len(items) - kept} more"], max_chars)
    return _dumps(_MORE)


def _longest(count: int, cut: Callable[[int], object], max_chars: int) -> str:
    """The text with as many items as fit: fewer than `count` do."""
    low, high = 0, count - 1
    while low < high:
        middle = (low + high + 1) // 2
        if len(_dumps(cut(middle))) <= max_chars:
            low = middle
        else:
            high = middle - 1
    return _dumps(cut(low))


def _dumps(value: object) -> str:
    return json.dumps(value, default=str, ensure_ascii=False, separators=(",", ":"))
