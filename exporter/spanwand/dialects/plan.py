"""What a set of attribute keys means: worked out once, because spans of one instrumentation carry the same keys."""

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

import msgspec

from spanwand.content import Content
from spanwand.dialects.documents import Member
from spanwand.record import Cost, Params, Retrieval, Timing, Usage
from spanwand.span import Attributes

PARTS: Mapping[str, type[msgspec.Struct]] = {
    "usage": Usage,
    "timing": Timing,
    "params": Params,
    "retrieval": Retrieval,
    "content": Content,
    "cost": Cost,
}
"""Groups that are parts of a generation as they are read."""
Groups = dict[str, dict[str, Any]]
"""Values by group and field; the groups "" and `hint` are always there."""
Fields = tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
"""Fields by group, each with its key."""

_OWN_PARTS = frozenset({"usage", "timing", "retrieval", "content", "cost"})
_OWN = frozenset({"response_id", "session_id", "user", "hint.total_tokens", "hint.first_token_ns"})
_PLAIN = frozenset({"usage.input_tokens", "usage.output_tokens"})
_PERHAPS_NOT_STREAMED = frozenset({"timing.ttft_s", "params.stream"})
_UNSETTLED = frozenset({"hint.total_tokens", "hint.first_token_ns"})


class Plan(msgspec.Struct, frozen=True, eq=False):
    """How attributes with certain keys are read."""

    dialect: str
    """The first one with a marker among the keys; empty if none has."""
    groups: Fields
    """Fields of each group, each with its most trusted key."""
    own: Fields
    """Those which every call has values of its own for: ids, counts, times, what was said."""
    own_parts: tuple[str, ...]
    """Those of the groups in `own` that are parts of the record."""
    alike: Callable[[Attributes], object]
    """Gives the values of all the other fields: where they are the same, calls are of one kind."""
    sources: Mapping[str, str]
    """The key of each field of the record."""
    documents: tuple[tuple[str, tuple[Member, ...]], ...]
    """Keys to look into, for members that are trusted more than what is at hand."""
    unsettled: bool
    """There is more than two plain counts: parts that may be left out of them, a total, the time of a first token
    (which OpenLIT also gives where nothing was streamed)."""


def plan(dialect: str, sources: Mapping[str, str], documents: tuple[tuple[str, tuple[Member, ...]], ...]) -> Plan:
    """The plan of attributes whose fields have these sources."""
    own = {path: key for path, key in sources.items() if path in _OWN or path.partition(".")[0] in _OWN_PARTS}
    own_groups = _by_group(own, {"": [], "timing": []} if "hint.first_token_ns" in own else {"": []})
    return Plan(
        dialect=dialect,
        groups=_by_group(sources, {"": [], "hint": []}),
        own=own_groups,
        own_parts=tuple(group for group, _ in own_groups if group in PARTS),
        alike=_values_of([key for path, key in sources.items() if path not in own]),
        sources=sources,
        documents=documents,
        unsettled=any(path in _UNSETTLED or path.startswith("usage.") for path in sources.keys() - _PLAIN)
        or sources.keys() >= _PERHAPS_NOT_STREAMED,
    )


def read(fields: Fields, attributes: Attributes) -> Groups:
    """Return the fields that `attributes` hold, which have all their keys."""
    groups: Groups = {}
    for group, keys in fields:
        groups[group] = values = {}
        for field, key in keys:
            values[field] = attributes[key]
    return groups


def _by_group(sources: Mapping[str, str], groups: dict[str, list[tuple[str, str]]]) -> Fields:
    for path, key in sources.items():
        group, _, field = path.rpartition(".")
        groups.setdefault(group, []).append((field, key))
    return tuple((group, tuple(fields)) for group, fields in groups.items())


def _values_of(keys: list[str]) -> Callable[[Attributes], object]:
    return itemgetter(*keys) if keys else lambda _: None
