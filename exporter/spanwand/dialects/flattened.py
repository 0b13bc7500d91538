"""Attributes with an index in their key, as instrumentations write lists: `llm.input_messages.0.message.role`.

How many there are differs from span to span, so they are put together into the list they stand for: one attribute.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from spanwand.span import AttributeValue

_INDEX = re.compile(r"\.\d{1,4}(?=\.|$)")
_DEEPEST = 12
_MOST_REMEMBERED, _LONGEST_REMEMBERED = 4096, 256
_WRAPPERS = frozenset(
    {"message", "message_content", "tool_call", "tool", "document", "embedding", "prompt", "completion"}
)
"""Levels that OpenInference puts between an index and the fields of the item; they say nothing."""


def prefix_of(key: str) -> str | None:
    """The key of the list that an attribute is a part of; `None` if its key has no index."""
    return (_prefix if len(key) <= _LONGEST_REMEMBERED else _prefix.__wrapped__)(key)


@lru_cache(_MOST_REMEMBERED)
def _prefix(key: str) -> str | None:
    index = _INDEX.search(key)
    return key[: index.start()] if index else None


def unflatten(sent: Iterable[tuple[str, str, AttributeValue]]) -> dict[str, list[Any]]:
    """Return the lists by key, made of attributes given as prefix, key and value."""
    trees: dict[str, dict[str, Any]] = {}
    for prefix, key, value in sent:
        *above, last = (_steps if len(key) <= _LONGEST_REMEMBERED else _steps.__wrapped__)(prefix, key)
        place = trees.setdefault(prefix, {})
        for step in above:
            inner = place.setdefault(step, {})
            place = inner if isinstance(inner, dict) else place
        place[last] = value
    return {prefix: _listed(tree) for prefix, tree in trees.items()}  # type: ignore[misc]  # its keys begin with an index


@lru_cache(_MOST_REMEMBERED)
def _steps(prefix: str, key: str) -> tuple[str, ...]:
    """The way to the place of an attribute in its list. Remembered, like prefixes: the same few keys come again."""
    steps = key[len(prefix) + 1 :].split(".", _DEEPEST)
    named = [step for at, step in enumerate(steps) if not (at and steps[at - 1].isdecimal() and step in _WRAPPERS)]
    return tuple(named)


def _listed(value: object) -> object:
    if not isinstance(value, dict):
        return value
    if all(key.isdecimal() for key in value):
        return [_listed(value[key]) for key in sorted(value, key=int)]
    return {key: _listed(item) for key, item in value.items()}
