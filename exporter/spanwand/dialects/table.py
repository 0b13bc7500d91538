"""The shape of a dialect, and the reader compiled from several of them.

A dialect is data: for each canonical field the attribute keys it may come from, in order of trust, each with its
parser. A field is named by its place in `record.Generation`: `provider`, `usage.input_tokens`. Fields of the group
`hint` are not in the record; `normalise` decides with them.
"""

from collections.abc import Iterable, Mapping

import msgspec

from spanwand.dialects.documents import Member, members
from spanwand.dialects.parsers import content
from spanwand.dialects.plan import PARTS, Groups, Plan, plan, read
from spanwand.record import Generation, ImageParams, Service
from spanwand.span import Attributes, Parser

GROUPS: Mapping[str, type[msgspec.Struct] | None] = {
    "": Generation,
    **PARTS,
    "image": ImageParams,
    "service": Service,
    "hint": None,
}
"""Where a field may live. `hint` takes any name."""


class Source(msgspec.Struct, frozen=True):
    """One key a field may be read from. `note` says what a reader of the docs has to know (units, versions).

    `at`: the attribute is a document, and this the pointer to the member that is read (`documents`).
    """

    key: str
    parse: Parser
    note: str = ""
    at: str = ""

    @property
    def name(self) -> str:
        """The key, and which member of it."""
        return f"{self.key}#{self.at}" if self.at else self.key


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """How one family of instrumentations writes model calls.

    `markers` are keys that only a model call carries: a span without any is not read, so each costs a little on every
    span. `signs` are keys that give the dialect away on a span that has a marker of any, `scopes` how the names of the
    instrumentation scopes begin that write it. `fields` maps a canonical field to its sources, most trusted first.
    `lists` are keys that are sent flattened, with an index (`flattened`), `events` names of span events, each with the
    key under which they are read as if they were an attribute (`events`).
    """

    name: str
    markers: frozenset[str] = frozenset()
    signs: frozenset[str] = frozenset()
    fields: Mapping[str, tuple[Source, ...]]
    lists: frozenset[str] = frozenset()
    events: Mapping[str, str] = {}
    scopes: tuple[str, ...] = ()

    @property
    def keys(self) -> frozenset[str]:
        """Every key the dialect reads."""
        return frozenset(source.key for sources in self.fields.values() for source in sources)


def keys(parse: Parser, *names: str) -> tuple[Source, ...]:
    """Sources that share a parser."""
    return tuple(Source(name, parse) for name in names)


def inside(key: str, parse: Parser, *pointers: str) -> tuple[Source, ...]:
    """Sources that are members of one document."""
    return tuple(Source(key, parse, at=pointer) for pointer in pointers)


_MOST_PLANS = 1024


class Reader:
    """Reads the fields of several dialects from the attributes a span has, which their parsers have passed.

    Where dialects share a field the earlier dialect is trusted more: field by field, nothing is ever added up.
    """

    def __init__(self, dialects: Iterable[Dialect]) -> None:
        """Raises ValueError for a table that names no field of the record, or reads one key as two fields."""
        self._dialects = tuple(dialects)
        self._paths: dict[str, str] = {}  # by key or member, most trusted first
        self._members: dict[str, list[Member]] = {}
        self.parsers: dict[str, Parser] = {}
        """The parser of every key that is read."""
        self._plans: dict[tuple[str, ...], Plan] = {}
        self._opened: dict[tuple[str, ...], Plan] = {}
        self._named: dict[tuple[str, str], str] = {}
        for dialect in self._dialects:
            for path, sources in dialect.fields.items():
                for source in sources:
                    self._add(dialect.name, path, source)
        self._ranks = {name: rank for rank, name in enumerate(self._paths)}

    def plan(self, attributes: Attributes) -> Plan:
        """How to read these attributes, and all others with the same keys."""
        shape = tuple(attributes)
        return self._plans.get(shape) or self._make(self._plans, shape, self._members)

    def open(self, attributes: Attributes, plan: Plan) -> tuple[Attributes, Plan]:
        """Return the attributes with the members that a plan's documents hold, and how to read those."""
        found = dict(attributes)
        for key, wanted in plan.documents:
            found.update(members(attributes[key], wanted))
        shape = tuple(found)
        return found, self._opened.get(shape) or self._make(self._opened, shape, {})

    def dialect(self, plan: Plan, scope_name: str) -> str:
        """The dialect of a span: the most specific one that a marker or its instrumentation scope names."""
        asked = (plan.dialect, scope_name)
        known = self._named.get(asked)
        if known is None:
            if len(self._named) >= _MOST_PLANS:
                self._named.clear()
            by_scope = (d.name for d in self._dialects if d.name == plan.dialect or scope_name.startswith(d.scopes))
            known = self._named[asked] = next(by_scope, "")
        return known

    def read(self, attributes: Attributes) -> Groups:
        """Return the most trusted value of each field that `attributes` has."""
        return read(self.plan(attributes).groups, attributes)

    def _make(
        self, plans: dict[tuple[str, ...], Plan], shape: tuple[str, ...], documents: Mapping[str, list[Member]]
    ) -> Plan:
        if len(plans) >= _MOST_PLANS:
            plans.clear()
        plan = plans[shape] = self._plan(frozenset(shape), documents)
        return plan

    def _plan(self, keys: frozenset[str], documents: Mapping[str, list[Member]]) -> Plan:
        is_call = any(not dialect.markers.isdisjoint(keys) for dialect in self._dialects)
        named = (d.name for d in self._dialects if is_call and not keys.isdisjoint(d.markers | d.signs))
        sources: dict[str, str] = {}
        for key in sorted(keys & self._ranks.keys(), key=self._ranks.__getitem__):
            sources.setdefault(self._paths[key], key)
        wanted = {key: tuple(self._better(documents[key], sources)) for key in documents.keys() & keys}
        found = tuple((key, better) for key, better in sorted(wanted.items()) if better)
        return plan(next(named, ""), sources, found)

    def _better(self, wanted: Iterable[Member], sources: Mapping[str, str]) -> Iterable[Member]:
        """Those that are trusted more than the source a field has."""
        for member in wanted:
            known = sources.get(self._paths[member.name])
            if known is None or self._ranks[member.name] < self._ranks[known]:
                yield member

    def _add(self, dialect: str, path: str, source: Source) -> None:
        group, _, field = path.rpartition(".")
        if group not in GROUPS:
            raise ValueError(f"{source.key}: {path} is in no group of the record")
        record = GROUPS[group]
        if record is not None and field not in record.__struct_fields__:
            raise ValueError(f"{source.key}: {path} is not a field of the record")
        known = self._paths.setdefault(source.name, path)
        if known != path:
            raise ValueError(f"{dialect}: {source.name} is read as {known} and as {path}")
        if source.at:
            self._members.setdefault(source.key, []).append(
                Member(source.name, tuple(source.at.split("/")), source.parse)
            )
        parse = content if source.at else source.parse
        if self.parsers.setdefault(source.key, parse) is not parse:
            raise ValueError(f"{dialect}: {source.key} has two parsers")
