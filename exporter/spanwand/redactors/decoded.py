"""What a text says once its encodings are undone: a secret may hide behind `%40`, `&#64;`, `\\u0040` or base64.

Only what decodes to text counts; the rest stays as it is. One layer is undone at a time, runs of marks at once, and
marks as far as the work of a text goes.
"""

import html
from base64 import b64decode
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from spanwand.redactors.spans import NOWHERE, Spans
from spanwand.redactors.work import TooMuchWork, Work

_HEX = "[0-9A-Fa-f]"
_UNITS = rf"(?:\\u{_HEX}{{4}})+|(?:\\x{_HEX}{{2}})+"
_ESCAPES = rf"{_UNITS}|\\[\"\\/bfnrt]"
_BASE64 = r"(?:[A-Za-f][A-HQ-Xg-nw-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9+/_-]){5,}[A-Za-z0-9+/_-]*={0,2}"
"""Of ASCII text: its bytes are below 128, so every fourth digit is one of 32. Hashes and ids hardly ever look so."""
_REFERENCES = rf"&(?:#[0-9]{{1,7}};?|#[xX]{_HEX}{{1,6}};?|[A-Za-z]{{2,8}};)|{_BASE64}"
MARKS = rf"{_ESCAPES}|(?:%{_HEX}{{2}})+|{_REFERENCES}"
"""Regular expression of what may be an encoding."""
_units, _references = Spans(_UNITS.encode()), Spans(_REFERENCES.encode())
_PAIR = b"\xff"
"""Stands for an escaped backslash while the other escapes are undone: no UTF-8 has it."""
_ESCAPED = (
    *((b"\\\\", _PAIR), (b'\\"', b'"'), (b"\\/", b"/"), (b"\\b", b"\b"), (b"\\f", b"\f")),
    *((b"\\n", b"\n"), (b"\\r", b"\r"), (b"\\t", b"\t")),
)
_Undo = Callable[[bytes], bytes]
LAYERS = 3
"""Encodings of encodings that are undone."""
_STEPS_OF_A_MARK, _PERCENTS_OF_A_STEP = 4, 4


class TooManyMarks(TooMuchWork):
    """A text with more encoded parts than anybody writes: it is not looked through."""


def unescaped(text: str, work: Work | None = None) -> str:
    """The text with the escapes of JSON and of most programming languages undone. Raises TooManyMarks."""
    if "\\" not in text:
        return text
    raw = text.encode("utf-8", "replace")
    for mark, plain in _ESCAPED:
        raw = raw.replace(mark, plain)
    raw = _undone(raw, _units, _unit, work or Work(len(raw)))
    return raw.replace(_PAIR, b"\\").decode("utf-8", "replace")


def decoded(text: str, work: Work | None = None) -> str:
    """The text with percent encoding, HTML references and base64 undone. Raises TooManyMarks."""
    raw = text.encode("utf-8", "replace")
    work = work or Work(len(raw))
    _spend(work, raw.count(b"%") // _PERCENTS_OF_A_STEP)
    return _undone(raw, _references, _reference, work, unquote_to_bytes).decode("utf-8", "replace")


def _undone(raw: bytes, marks: Spans, undo: _Undo, work: Work, undo_between: _Undo = bytes) -> bytes:
    pieces: list[bytes] = []
    done = 0
    start, end = marks.find(raw)
    while start != NOWHERE:
        _spend(work, _STEPS_OF_A_MARK)
        pieces += (undo_between(raw[done:start]), undo(raw[start:end]))
        done = end
        start, end = marks.find(raw, done)
    return b"".join((*pieces, undo_between(raw[done:])))


def _spend(work: Work, steps: int) -> None:
    try:
        work.spend(steps)
    except TooMuchWork:
        raise TooManyMarks from None


def _unit(mark: bytes) -> bytes:
    if mark.startswith(b"\\u"):
        return bytes.fromhex(mark.replace(b"\\u", b"").decode()).decode("utf-16-be", "replace").encode()
    return bytes.fromhex(mark.replace(b"\\x", b"").decode()).decode("utf-8", "replace").encode()


def _reference(mark: bytes) -> bytes:
    if mark.startswith(b"&"):
        return html.unescape(mark.decode()).encode("utf-8", "replace")
    return _from_base64(mark)


def _from_base64(digits: bytes) -> bytes:
    """The text that the digits stand for; the digits if they stand for none."""
    whole = digits.rstrip(b"=")
    whole = whole[: len(whole) - (len(whole) % 4 == 1)]
    plain = b64decode(whole + b"=" * (-len(whole) % 4), b"-_" if b"-" in whole or b"_" in whole else None)
    return plain if plain.isascii() and plain.decode().translate(_SPACES).isprintable() else digits


_SPACES = dict.fromkeys(map(ord, "\t\r\n"), " ")
