"""Which texts of a document a rule is about: by their path, and by the role of the message they are in.

Documents inside the strings of a document belong to it: tool calls hold their arguments like that.
"""

from collections.abc import Callable

import msgspec
import re2

Edit = Callable[[str], str]

_ROLES = {"developer": "system", "model": "assistant", "ai": "assistant", "human": "user", "function": "tool"}
"""What dialects call the four roles besides."""
_TYPES = frozenset({"system", "human", "ai", "tool"})
"""LangChain says in `type` whose a message is."""
_BEFORE, _START_CHARS = ' \t\r\n"\\', 16
_START = re2.compile(r"""\{\s*(?:["'\\}]|$)|\[\s*(?:["'\\{\[\]\d-]|true|false|null|$)""")
"""Of JSON, or of what Python writes; not of `[email]`."""
_BRACKETS = re2.compile(r"\[(?:'([^']*)'|\"([^\"]*)\"|([0-9]+|\*))\]")


def may_be_document(text: str) -> bool:
    """Whether it begins like a list or an object, or like a string that holds one."""
    return _START.match(text.lstrip(_BEFORE)[:_START_CHARS].encode("utf-8", "replace")) is not None


class Selection:
    """Edits the texts of a document that are selected; all of them, if neither path nor role is given."""

    def __init__(self, path: str = "", role: str = "", *, opens: bool = False) -> None:
        """`opens`: a selected string that holds a document is edited text by text, else as one.

        Raises ValueError for a path that has more than keys, indexes, `*` and `**`.
        """
        self._role = role
        self._at = re2.compile(_regex(path)) if path else None
        self._opens = opens or bool(path or role)
        self._below = Selection(role=role, opens=opens) if path else self

    def edited(self, text: str, said_by: str, edit: Edit) -> str | None:
        """The text with what is selected edited; `None` if it is no document. `said_by`: where no message says it."""
        document = _read(text)
        if document is None:
            return None
        edited = self._walk(document, "", self.is_said(said_by), edit)
        return text if edited == document else msgspec.json.encode(edited).decode()

    def is_said(self, role: str) -> bool:
        """Whether what this role says is selected."""
        return not self._role or self._role == _ROLES.get(role, role)

    def _walk(self, value: object, path: str, said: bool, edit: Edit) -> object:  # noqa: FBT001  part of the place
        """The value that is at `path`. What is below a selected one is selected too."""
        if self._at is not None and self._at.fullmatch(path):
            return self._below._walk(value, "", said, edit)
        if isinstance(value, dict):
            by, role = _speaker(value) if self._role else ("", "")
            said = self.is_said(role) if by else said
            walked = {key: self._walk(item, f"{path}{key}.", said, edit) for key, item in value.items()}
            return walked | {by: value[by]} if by else walked
        if isinstance(value, list):
            return [self._walk(item, f"{path}{at}.", said, edit) for at, item in enumerate(value)]
        inner = _read(value) if self._opens and isinstance(value, str) else None
        if inner is not None:
            opened = self._walk(inner, path, said, edit)
            return value if opened == inner else msgspec.json.encode(opened).decode()
        return value if value is None or not said or self._at is not None else _leaf(value, edit)


def _leaf(value: object, edit: Edit) -> object:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    edited = edit(text)
    return value if edited == text else edited


def _speaker(message: dict[str, object]) -> tuple[str, str]:
    """Where in a message its role is, and the role; nothing if it has none."""
    for key in ("role", "type"):
        role = message.get(key)
        if isinstance(role, str) and (key == "role" or role in _TYPES):
            return key, role.lower()
    return "", ""


def _read(text: str) -> dict[str, object] | list[object] | None:
    """The list or object that a text is, or that is written in the string that it is."""
    if not may_be_document(text):
        return None
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None
    if isinstance(document, str):
        return _read(document)
    return document if isinstance(document, (dict, list)) else None


def _regex(path: str) -> str:
    """RE2's for a path; what it is matched with has a dot behind each step."""
    dotted = _BRACKETS.sub(r".\1\2\3", path.removeprefix("$")).replace("..", ".**.").strip(".")
    if "[" in dotted or "]" in dotted:
        raise ValueError("path: keys and indexes with dots, `*` for any one, `**` for any number of them")
    return "".join(map(_step, dotted.split("."))) if dotted else ""


def _step(step: str) -> str:
    return r"(?:.*\.)?" if step == "**" else "[^.]*".join(map(re2.escape, step.split("*"))) + r"\."
