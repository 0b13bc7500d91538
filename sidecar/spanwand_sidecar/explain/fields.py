"""Each field of a record with where it came from and what redaction did to it."""

from collections.abc import Iterator, Mapping

import msgspec

from spanwand.events import Evaluation
from spanwand.record import Clean, Generation
from spanwand.redactors.rules import sources_of

_ELSEWHERE = {
    *("trace_id", "span_id", "parent_span_id", "start_ns", "end_ns", "name", "dialect", "operation", "sources"),
    *("cost.computed_usd", "trace_state", "held_content", "time_ns"),
}
"""What an explanation says in another place."""
_OF_EVALUATIONS = _ELSEWHERE - {"name"}
"""Likewise; their names are texts of their senders."""
_UNNAMED = "\u2026"
_NOTHING: tuple[object, ...] = (None, "", (), {})


class Field(msgspec.Struct, frozen=True, omit_defaults=True):
    """One field by its path in the record: the value that leaves, the attribute it was read from, what was done."""

    path: str
    value: object = None
    source: str = ""
    note: str = ""


def fields(sent: Generation | Evaluation, clean: Generation | Evaluation, *, raw: bool) -> Iterator[Field]:
    """The fields that hold something, before redaction or behind it. `raw`: show the value from before."""
    left, sources, names = dict(_flat(clean)), sources_of(sent), _names(sent, clean)
    for path, before in _flat(sent):
        name = names.get(path, path)
        after = left.get(name)
        value, is_same = before if raw else after, before == after and name == path
        yield Field(name, value, _source(sources, path), "" if is_same else _note(path, before, after))


def _names(sent: Generation | Evaluation, clean: Generation | Evaluation) -> dict[str, str]:
    """The attributes' paths without secrets: clean ones are in the same order, unless two are called the same now."""
    if isinstance(sent, Evaluation) or isinstance(clean, Evaluation):
        return {}
    names = clean.attributes if len(clean.attributes) == len(sent.attributes) else [_UNNAMED] * len(sent.attributes)
    return {f"attributes.{key}": f"attributes.{name}" for key, name in zip(sent.attributes, names, strict=True)}


def changes(call: Clean, counted: Clean) -> Iterator[str]:
    """What a call that counts has from other spans that report it."""
    known = dict(_flat(call))
    for path, value in _flat(counted):
        if value != known.get(path) and not path.startswith(("counting.", "media")):
            yield f"{path}: {value} by another span of the same call"


def _flat(record: msgspec.Struct, prefix: str = "") -> Iterator[tuple[str, object]]:
    for name in record.__struct_fields__:
        value = getattr(record, name)
        path = f"{prefix}{name}"
        elsewhere = _OF_EVALUATIONS if isinstance(record, Evaluation) else _ELSEWHERE
        if path in elsewhere or value in _NOTHING:
            continue
        if isinstance(value, msgspec.Struct):
            yield from _flat(value, f"{path}.")
        elif isinstance(value, Mapping):
            yield from ((f"{path}.{key}", item) for key, item in value.items())
        else:
            yield path, value


def _source(sources: Mapping[str, str], path: str) -> str:
    """The attribute's key, without the note of a rule."""
    return sources.get(path, "").partition(" (")[0]


def _note(path: str, before: object, after: object) -> str:
    size = f", {len(before)} characters" if isinstance(before, str) else ""
    if after in _NOTHING:
        return f"dropped{size}"
    return "pseudonym" if path == "user" else f"redacted{size}"
