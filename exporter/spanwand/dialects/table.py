"""The shape of a dialect, and the reader compiled from several of them.

A dialect is data: for each canonical field the attribute keys it may come from, in order of trust, each with its
parser. A field is named by its place in `record.Generation`: `provider`, `usage.input_tokens`. Fields of the group
`hint` are not in the record; `normalise` decides with them.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from spanwand.record import Content, Cost, Generation, ImageParams, Params, Service, Timing, Usage
from spanwand.span import Attributes, Parser

PARTS: Mapping[str, type[msgspec.Struct]] = {
    "usage": Usage,
    "timing": Timing,
    "params": Params,
    "content": Content,
    "cost": Cost,
}
"""Groups that are parts of a generation as they are read."""
GROUPS: Mapping[str, type[msgspec.Struct] | None] = {
    "": Generation,
    **PARTS,
    "image": ImageParams,
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


Groups = dict[str, dict[str, Any]]
"""Values by group and field; the groups "" and `hint` are always there."""


class Plan(msgspec.Struct, frozen=True):
    """What a set of keys means: worked out once, because spans of one instrumentation carry the same keys."""

    dialect: str
    """The first one with a marker among the keys; empty if none has."""
    groups: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    """Fields of each group, each with its most trusted key."""
    parts: tuple[str, ...]
    """Those of the groups that have a record of their own."""
    sources: Mapping[str, str]
    """The key of each field of the record."""

    def read(self, attributes: Attributes) -> Groups:
        """Return the fields that `attributes`, which have the keys of the plan, hold."""
        groups: Groups = {}
        for group, fields in self.groups:
            groups[group] = values = {}
            for field, key in fields:
                values[field] = attributes[key]
        return groups


_MOST_PLANS = 1024


class Reader:
    """Reads the fields of several dialects from the attributes a span has, which their parsers have passed.

    Where dialects share a field the earlier dialect is trusted more: field by field, nothing is ever added up.
    """

    def __init__(self, dialects: Iterable[Dialect]) -> None:
        """Raises ValueError for a table that names no field of the record, or reads one key as two fields."""
        self._dialects = tuple(dialects)
        self._paths: dict[str, str] = {}  # by key, most trusted first
        self.parsers: dict[str, Parser] = {}
        """The parser of every key that is read."""
        self._plans: dict[tuple[str, ...], Plan] = {}
        for dialect in self._dialects:
            for path, sources in dialect.fields.items():
                for source in sources:
                    self._add(dialect.name, path, source)

    def plan(self, attributes: Attributes) -> Plan:
        """How to read these attributes, and all others with the same keys."""
        shape = tuple(attributes)
        plan = self._plans.get(shape)
        if plan is None:
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()
            plan = self._plans[shape] = self._plan(frozenset(shape))
        return plan

    def read(self, attributes: Attributes) -> Groups:
        """Return the most trusted value of each field that `attributes` has."""
        return self.plan(attributes).read(attributes)

    def _plan(self, keys: frozenset[str]) -> Plan:
        named = (dialect.name for dialect in self._dialects if not dialect.markers.isdisjoint(keys))
        sources: dict[str, str] = {}
        for key, path in self._paths.items():
            if key in keys:
                sources.setdefault(path, key)
        groups: dict[str, list[tuple[str, str]]] = {"": [], "hint": []}
        for path, key in sources.items():
            group, _, field = path.rpartition(".")
            groups.setdefault(group, []).append((field, key))
        fields = tuple((group, tuple(found)) for group, found in groups.items())
        return Plan(next(named, ""), fields, tuple(group for group in groups if group in PARTS), sources)

    def _add(self, dialect: str, path: str, source: Source) -> None:
        group, _, field = path.rpartition(".")
        if group not in GROUPS:
            raise ValueError(f"{source.key}: {path} is in no group of the record")
        record = GROUPS[group]
        if record is not None and field not in record.__struct_fields__:
            raise ValueError(f"{source.key}: {path} is not a field of the record")
        known = self._paths.setdefault(source.key, path)
        if known != path:
            raise ValueError(f"{dialect}: {source.key} is read as {known} and as {path}")
        self.parsers.setdefault(source.key, source.parse)
