"""The shape of a dialect, and the reader compiled from several of them.

A dialect is data: for each canonical field the attribute keys it may come from, in order of trust, each with its
parser. A field is named by its place in `record.Generation`: `provider`, `usage.input_tokens`. Fields of the group
`hint` are not in the record; `normalise` decides with them.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from spanwand.dialects.parsers import KEEP_TEXT, Parser
from spanwand.record import Content, Cost, Generation, ImageParams, Params, Service, Timing, Usage
from spanwand.span import Attributes

GROUPS: Mapping[str, type[msgspec.Struct] | None] = {
    "": Generation,
    "usage": Usage,
    "timing": Timing,
    "params": Params,
    "image": ImageParams,
    "content": Content,
    "cost": Cost,
    "service": Service,
    "hint": None,
}
"""Where a field may live. `hint` takes any name."""


class Source(msgspec.Struct, frozen=True):
    """One key a field may be read from. `note` says what a reader of the docs has to know (units, versions)."""

    key: str
    parse: Parser
    note: str = ""


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """How one family of instrumentations writes model calls.

    `markers` are keys that only a model call carries. `fields` maps a canonical field to its sources, most trusted
    first.
    """

    name: str
    markers: frozenset[str]
    fields: Mapping[str, tuple[Source, ...]]

    @property
    def keys(self) -> frozenset[str]:
        """Every key the dialect reads."""
        return frozenset(source.key for sources in self.fields.values() for source in sources)


def keys(parse: Parser, *names: str) -> tuple[Source, ...]:
    """Sources that share a parser."""
    return tuple(Source(name, parse) for name in names)


class Found(NamedTuple):
    """What a reader found on one span. Values by group and field; the groups "" and `hint` are always there.

    `sources` is shared by many spans: copy it to change it.
    """

    dialect: str
    groups: dict[str, dict[str, Any]]
    sources: Mapping[str, str]


class _Slot(NamedTuple):
    """What one key means. A lower rank is trusted more. A value of type `plain`, if not empty, needs no parsing."""

    rank: int
    key: str
    path: str
    group: str
    field: str
    plain: type | None
    parse: Parser


class _Plan(NamedTuple):
    """What a set of keys means: worked out once, because spans of one instrumentation carry the same keys."""

    dialect: str
    slots: tuple[_Slot, ...]
    """Least trusted first, so that a more trusted value overwrites."""
    groups: tuple[str, ...]
    sources: Mapping[str, str]
    """Where each field comes from if every value can be used."""


_MOST_PLANS = 1024


class Reader:
    """Reads the fields of several dialects from the attributes a span has.

    Where dialects share a field the earlier dialect is trusted more: field by field, nothing is ever added up.
    """

    def __init__(self, dialects: Iterable[Dialect]) -> None:
        """Raises ValueError for a table that names no field of the record, or reads one key as two fields."""
        self._dialects = tuple(dialects)
        self._slots: dict[str, _Slot] = {}
        self._plans: dict[tuple[str, ...], _Plan] = {}
        for dialect in self._dialects:
            for path, sources in dialect.fields.items():
                for source in sources:
                    slot = _slot(len(self._slots), path, source)
                    known = self._slots.setdefault(source.key, slot)
                    if known.path != path:
                        raise ValueError(f"{dialect.name}: {source.key} is read as {known.path} and as {path}")

    @property
    def keys(self) -> frozenset[str]:
        """Every key that is read."""
        return frozenset(self._slots)

    def read(self, attributes: Attributes) -> Found:
        """Return the most trusted value of each field that `attributes` has; dialect "" if they hold no marker."""
        shape = tuple(attributes)
        plan = self._plans.get(shape) or self._plan(shape)
        groups: dict[str, dict[str, Any]] = {group: {} for group in plan.groups}
        unusable = False
        for _, key, _, group, field, plain, parse in plan.slots:
            value: object = attributes[key]
            if type(value) is not plain or not value:
                value = parse(attributes[key])
            if value is None:
                unusable = True
            else:
                groups[group][field] = value
        return Found(plan.dialect, groups, _sources(plan.slots, attributes) if unusable else plan.sources)

    def _plan(self, shape: tuple[str, ...]) -> _Plan:
        if len(self._plans) >= _MOST_PLANS:
            self._plans.clear()
        slots = tuple(sorted((self._slots[key] for key in shape if key in self._slots), reverse=True))
        named = (dialect.name for dialect in self._dialects if not dialect.markers.isdisjoint(shape))
        groups = tuple(dict.fromkeys(("", "hint", *(slot.group for slot in slots))))
        plan = self._plans[shape] = _Plan(next(named, ""), slots, groups, {slot.path: slot.key for slot in slots})
        return plan


def _sources(slots: Iterable[_Slot], attributes: Attributes) -> Mapping[str, str]:
    return {slot.path: slot.key for slot in slots if slot.parse(attributes[slot.key]) is not None}


def _slot(rank: int, path: str, source: Source) -> _Slot:
    group, _, field = path.rpartition(".")
    if group not in GROUPS:
        raise ValueError(f"{source.key}: {path} is in no group of the record")
    record = GROUPS[group]
    if record is not None and field not in record.__struct_fields__:
        raise ValueError(f"{source.key}: {path} is not a field of the record")
    plain = str if source.parse in KEEP_TEXT else None
    return _Slot(rank, source.key, path, group, field, plain, source.parse)
