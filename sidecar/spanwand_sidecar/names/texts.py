"""Takes what an engine found out of a cell of a Table: of plain text, or of every string in a JSON document."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import msgspec

Found = tuple[int, int, str]
"""From which character of a text to which, and what that is: `PERSON`."""
_JSON_STARTS = frozenset('{["')


def edited(cell: str, edit: Callable[[str], str]) -> str:
    """The cell with its text edited; in JSON, and in JSON in JSON, each string and each name by itself."""
    if cell.lstrip()[:1] not in _JSON_STARTS:
        return edit(cell)
    try:
        document = msgspec.json.decode(cell)
        after = _walked(document, edit)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return edit(cell)
    return cell if after == document else msgspec.json.encode(after).decode()


def _walked(value: object, edit: Callable[[str], str]) -> object:
    if isinstance(value, str):
        return edited(value, edit)
    if isinstance(value, list):
        return [_walked(item, edit) for item in value]
    if isinstance(value, dict):
        return {edit(name): _walked(item, edit) for name, item in value.items()}
    return value


def without(text: str, found: Sequence[Found], counts: Counter[str]) -> str:
    """The text with a mark such as `[person]` in place of each find; those that overlap are one.

    Raises ValueError for finds that are not in the text.
    """
    pieces: list[str] = []
    done = 0
    for start, end, entity in _apart(found):
        if not (done <= start < end <= len(text) and entity.isidentifier()):
            raise ValueError("finds outside of the text")
        name = entity.lower()
        counts[name] += 1
        pieces += (text[done:start], f"[{name}]")
        done = end
    return "".join((*pieces, text[done:]))


def _apart(found: Iterable[Found]) -> list[Found]:
    """In order, each behind the end of the one before."""
    apart: list[Found] = []
    for start, end, entity in sorted(found):
        if apart and start < apart[-1][1]:
            first, last, kept = apart.pop()
            apart.append((first, max(last, end), kept))
        else:
            apart.append((start, end, entity))
    return apart
