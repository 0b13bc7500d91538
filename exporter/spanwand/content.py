"""What was said in a model call: plain as far as `redact`, held behind it, clean once it is opened (docs/adr/0027)."""

from collections.abc import Callable, Sequence
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


class HeldContent:
    """What was said, and is not looked at before it leaves: the one way out of here is `opened`, and that cleans it.

    On purpose no struct: what prints, encodes, compares or copies records finds nothing to read.
    """

    __slots__ = ("__failed", "__texts", "chars")

    def __init__(self, texts: tuple[HeldText, ...], failed: Callable[[Exception], None]) -> None:
        """`failed` is told why a text cannot leave."""
        self.__texts = texts
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
        cleaned: dict[str, str] = {}
        try:
            for held in self.__texts:
                if held.name in names:
                    cleaned[held.name] = _lines(cleaned.get(held.name, ""), held.clean(held.text))
        except Exception as error:  # noqa: BLE001  whatever it is, nothing may leave unseen
            self.__failed(error)
            return NO_CONTENT
        return Content(**cleaned)

    def with_lines(self, other: Self) -> Self:
        """With what the other adds as further lines of each text; what is sent again is no other."""
        texts = list(self.__texts)
        for added in other.__texts:
            before = [held for held in texts if held.name == added.name]
            if added not in before and sum(len(held.text) for held in before) <= _LONGEST:
                texts.append(added)
        return type(self)(tuple(texts), self.__failed)

    def filled(self, other: Self) -> Self:
        """With the other's texts for the fields that have none."""
        known = {held.name for held in self.__texts}
        missing = tuple(held for held in other.__texts if held.name not in known)
        return type(self)((*self.__texts, *missing), self.__failed) if missing else self


def _lines(before: str, text: str) -> str:
    if not text or len(before) > _LONGEST or text in before.split("\n"):
        return before
    return f"{before}\n{text}" if before else text
