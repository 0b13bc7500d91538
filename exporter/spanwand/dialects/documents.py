"""Attributes that hold a document, and how members of it are read like attributes of their own.

Most are JSON. Some were cut by a limit on the length of values: then what came before the cut is read. Some are the
repr of a Python object. A member is named by a JSON pointer without its first slash; `*` stands for every item of an
array.
"""

import ast
import re
from collections.abc import Iterable, Iterator

import msgspec

from spanwand.span import AttributeValue, Parser

_LONGEST_REPR = 4_096
_LONGEST_CUT = 262_144
_DEEPEST = 64
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*(?:"|$)|[][{},]', re.DOTALL)
_CLOSING = {"[": "]", "{": "}"}


class Member(msgspec.Struct, frozen=True):
    """A member of a document: the name it is known by (`key#pointer`), where it is, and its parser."""

    name: str
    pointer: tuple[str, ...]
    parse: Parser


def members(document: AttributeValue, wanted: Iterable[Member]) -> Iterator[tuple[str, AttributeValue]]:
    """Read the wanted members that are there and can be used, by name. Never raises."""
    root = read(document) if isinstance(document, str) else document
    if not isinstance(root, (dict, list, tuple)):
        return
    for member in wanted:
        found = _at(root, member.pointer)
        if found is not None and (value := member.parse(found)) is not None:
            yield member.name, value


def read(text: str) -> object:
    """The object a text stands for; `None` if it is none."""
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return _from_repr(text) or _before_cut(text)
    return read(found) if isinstance(found, str) and found[:1] in _CLOSING else found  # JSON in JSON: MLflow, Langfuse


def _from_repr(text: str) -> object:
    """What `repr` of a Python object shows."""
    if text[:1] not in _CLOSING or "'" not in text or len(text) > _LONGEST_REPR:
        return None
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def _before_cut(text: str) -> object:
    """What stands in JSON that ends in the middle, without the last, broken member."""
    if text[:1] not in _CLOSING or len(text) > _LONGEST_CUT:
        return None
    whole, still_open = 0, ""
    opened: list[str] = []
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark in _CLOSING:
            opened.append(mark)
            if len(opened) > _DEEPEST:
                break
        elif mark in "]}" and opened:
            opened.pop()
            whole, still_open = token.end(), "".join(opened)
        elif mark == ",":
            whole, still_open = token.start(), "".join(opened)
    mended = text[:whole] + "".join(_CLOSING[mark] for mark in reversed(still_open))
    try:
        return msgspec.json.decode(mended)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None


def _at(value: object, pointer: tuple[str, ...]) -> AttributeValue:
    for index, step in enumerate(pointer):
        if isinstance(value, dict):
            value = value.get(step)
        elif not isinstance(value, (list, tuple)):
            return None
        elif step == "*":
            found = [_at(item, pointer[index + 1 :]) for item in value]
            return tuple([item for item in found if item is not None])
        else:
            value = value[int(step)] if step.isdecimal() and int(step) < len(value) else None
    return value  # type: ignore[return-value]  # JSON and literals hold nothing else
