"""What was said in a model call: plain as far as `redact`, held behind it, clean once it is opened (docs/adr/0027)."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import NoReturn, Self

import msgspec

_LONGEST = 20_000
"""Characters of one text behind which nothing is added any more: no cell of a Table shows more."""


class Content(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What was said, as the instrumentation wrote it: plain text or a JSON string of messages.

    Where it was stored elsewhere, a `_ref` is the URI it was stored under.
    """

    input: str = ""
    output: str = ""
    system: str = ""
    negative_prompt: str = ""
    input_ref: str = ""
    output_ref: str = ""
    system_ref: str = ""


NO_CONTENT = Content()
_NAMES = Content.__struct_fields__


class HeldText(msgspec.Struct, frozen=True, gc=False):
    """One text of a content, by the name of its field, and what cleans it."""

    name: str
    text: str
    clean: Callable[[str], str]

    def __repr__(self) -> str:
        """Not what was said, wherever this is shown."""
        return f"<{self.name}, {len(self.text):,} characters>"


class _Lines(dict[str, None]):
    """The lines of one text: each of them once, until no cell of a Table shows more."""

    __slots__ = ("_chars",)

    def __init__(self) -> None:
        self._chars = 0

    def add(self, line: str) -> bool:
        """Take a line, and say whether it is a further one, and there was room for it."""
        is_further = line not in self and self._chars <= _LONGEST
        if is_further:
            self[line] = None
            self._chars += len(line)
        return is_further


class HeldContent:
    """What was said, and is not looked at before it leaves: the one way out of here is `opened`, and that cleans it.

    On purpose no struct: what prints, encodes, compares or copies records finds nothing to read.
    """

    __slots__ = ("__failed", "__lines", "__texts", "chars")

    def __init__(self, texts: tuple[HeldText, ...], failed: Callable[[Exception], None]) -> None:
        """`failed` is told why a text cannot leave."""
        self.__texts: tuple[HeldText, ...] | list[HeldText] = texts
        self.__lines: defaultdict[str, _Lines] | None = None  # of few: to most of it nothing is added
        self.__failed = failed
        self.chars = sum([len(held.text) for held in texts])

    def __repr__(self) -> str:
        """How much there is, and none of it: this is what logs and debuggers show."""
        return f"<content, {self.chars:,} characters>"

    def __reduce__(self) -> NoReturn:
        """Neither pickled nor copied."""
        raise TypeError("held content is not for copies")

    def opened(self, names: Sequence[str] = _NAMES) -> Content:
        """The fields of these names as they may leave. Never raises: if one cannot be cleaned, nothing leaves."""
        try:
            cleaned = [(held.name, held.clean(held.text)) for held in self.__texts if held.name in names]
        except Exception as error:  # noqa: BLE001  whatever it is, nothing may leave unseen
            self.__failed(error)
            return NO_CONTENT
        texts = dict(cleaned)
        return Content(**(texts if len(texts) == len(cleaned) else _joined(cleaned)))

    def add(self, other: Self) -> int:
        """Take the other's texts as further lines; what is sent again is no other. Returns for how many is no room.

        In place: of one call thousands of events may say something.
        """
        if self.__lines is None:
            self.__lines = defaultdict(_Lines)
            for held in self.__texts:
                self.__lines[held.name].add(held.text)
        texts = self.__texts = self.__texts if isinstance(self.__texts, list) else list(self.__texts)
        lost = 0
        for held in other.__texts:
            lines = self.__lines[held.name]
            if lines.add(held.text):
                texts.append(held)
                self.chars += len(held.text)
            else:
                lost += held.text not in lines
        return lost

    def filled(self, other: Self) -> Self:
        """With the other's texts for the fields that have none."""
        known = {held.name for held in self.__texts}
        missing = tuple(held for held in other.__texts if held.name not in known)
        return type(self)((*self.__texts, *missing), self.__failed) if missing else self


def _joined(cleaned: Iterable[tuple[str, str]]) -> dict[str, str]:
    fields: defaultdict[str, _Lines] = defaultdict(_Lines)
    for name, line in cleaned:
        if line:
            fields[name].add(line)
    return {name: "\n".join(lines) for name, lines in fields.items()}
