"""Just enough GraphQL: parse a document, then cut a superset of the data down to what it selects.

Resolvers answer with supersets; aliases, fragments and `@include(if:)` are honoured here. A selected field that
the superset lacks is answered with null and reported, because it means that the server has a gap.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

_TOKEN = re.compile(r'#[^\n]*|"(?:\\.|[^"\\])*"|\.\.\.|\$?[A-Za-z_]\w*|-?[\d.]+|[^\s,]')
_BOOLEAN_DEFAULT = re.compile(r"\$(\w+)\s*:\s*Boolean!?\s*=\s*(true|false)")
_INTERFACES = {"ArtifactCollection": ("ArtifactSequence", "ArtifactPortfolio")}


@dataclass(frozen=True)
class Selection:
    """A field, or (`name` empty) a group of selections under a type condition, or a spread of a named fragment."""

    name: str
    alias: str = ""
    on: str = ""
    spread: str = ""
    include_if: str = "true"
    children: tuple["Selection", ...] = ()


@dataclass
class Document:
    """One operation with its fragments. `flags` holds the Boolean variables that have defaults."""

    name: str = ""
    root: tuple[Selection, ...] = ()
    fragments: dict[str, Selection] = field(default_factory=dict)
    flags: dict[str, Any] = field(default_factory=dict)


class _Tokens:
    def __init__(self, text: str) -> None:
        self.tokens = [token for token in _TOKEN.findall(text) if not token.startswith("#")]
        self.position = 0

    def peek(self) -> str:
        return self.tokens[self.position] if self.position < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self.position += 1
        return token

    def accept(self, token: str) -> bool:
        found = self.peek() == token
        self.position += found
        return found

    def skip_parentheses(self) -> None:
        depth = 0
        while self.peek() and (depth or self.peek() == "("):
            depth += {"(": 1, ")": -1}.get(self.take(), 0)


def parse(text: str) -> Document:
    """The document in `text`; it has to hold exactly one operation."""
    tokens = _Tokens(text)
    document = Document(flags={name: value == "true" for name, value in _BOOLEAN_DEFAULT.findall(text)})
    while tokens.peek():
        if tokens.accept("fragment"):
            name, _, on = tokens.take(), tokens.take(), tokens.take()
            document.fragments[name] = Selection("", on=on, children=_selection_set(tokens))
        else:
            tokens.take()
            document.name = "" if tokens.peek() in ("{", "(") else tokens.take()
            tokens.skip_parentheses()
            document.root = _selection_set(tokens)
    return document


def _selection_set(tokens: _Tokens) -> tuple[Selection, ...]:
    children = []
    if tokens.accept("{"):
        while tokens.peek() and not tokens.accept("}"):
            children.append(_selection(tokens))
    return tuple(children)


def _selection(tokens: _Tokens) -> Selection:
    if tokens.accept("..."):
        if tokens.accept("on"):
            on = tokens.take()
            return Selection("", on=on, include_if=_include_if(tokens), children=_selection_set(tokens))
        if tokens.peek() in ("{", "@"):
            return Selection("", include_if=_include_if(tokens), children=_selection_set(tokens))
        return Selection("", spread=tokens.take(), include_if=_include_if(tokens))
    alias = name = tokens.take()
    if tokens.accept(":"):
        name = tokens.take()
    tokens.skip_parentheses()
    return Selection(name, alias=alias, include_if=_include_if(tokens), children=_selection_set(tokens))


def _include_if(tokens: _Tokens) -> str:
    """The condition of `@include(if: …)`: true, false or `$variable`. Other directives do not occur."""
    condition = "true"
    while tokens.accept("@"):
        tokens.take()
        start = tokens.position
        tokens.skip_parentheses()
        condition = tokens.tokens[tokens.position - 2] if tokens.position > start else condition
    return condition


def select(document: Document, variables: dict[str, Any], data: Any, unknown: Callable[[str], None]) -> Any:
    """`data` cut down to what `document` asks for. Values may be functions: called only when selected."""
    return _Selector(document, {**document.flags, **variables}, unknown).value(data, document.root, "")


@dataclass(frozen=True)
class _Selector:
    document: Document
    variables: dict[str, Any]
    unknown: Callable[[str], None]

    def value(self, data: Any, children: tuple[Selection, ...], path: str) -> Any:
        data = data() if callable(data) else data
        if isinstance(data, list) and children:
            return [self.value(item, children, path) for item in data]
        if not isinstance(data, dict) or not children:
            return data
        merged: dict[str, tuple[str, tuple[Selection, ...]]] = {}
        for selected in self.fields(children, data.get("__typename", "")):
            merged[selected.alias] = (selected.name, merged.get(selected.alias, ("", ()))[1] + selected.children)
        return {
            alias: self.field(data, name, below, f"{path}.{name}".lstrip("."))
            for alias, (name, below) in merged.items()
        }

    def field(self, data: dict[str, Any], name: str, below: tuple[Selection, ...], path: str) -> Any:
        if name not in data:
            self.unknown(f"field {path}")
            return None
        return self.value(data[name], below, path)

    def fields(self, children: tuple[Selection, ...], typename: str) -> Iterator[Selection]:
        for child in children:
            if not self.included(child):
                continue
            if child.name:
                yield child
            else:
                group = self.document.fragments[child.spread] if child.spread else child
                if _applies(group.on, typename):
                    yield from self.fields(group.children, typename)

    def included(self, child: Selection) -> bool:
        condition = child.include_if
        return bool(self.variables.get(condition[1:])) if condition.startswith("$") else condition == "true"


def _applies(condition: str, typename: str) -> bool:
    return not (condition and typename) or condition == typename or typename in _INTERFACES.get(condition, ())
