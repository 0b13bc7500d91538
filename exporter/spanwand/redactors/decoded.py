"""What a text says once its encodings are undone: a secret may hide behind `%40`, `&#64;`, `\\u0040` or base64.

Only what decodes to text counts; the rest stays as it is. One layer is undone at a time, runs of marks at once, and
marks up to a limit: the work is bounded by the text's length.
"""

import html
from base64 import b64decode
from collections.abc import Callable

import re2

_HEX = "[0-9A-Fa-f]"
_ESCAPES = rf"(?:\\u{_HEX}{{4}})+|(?:\\x{_HEX}{{2}})+|\\[\"\\/bfnrt]"
_BASE64 = r"(?:[A-Za-f][A-HQ-Xg-nw-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9+/_-]){5,}[A-Za-z0-9+/_-]*={0,2}"
"""Of ASCII text: its bytes are below 128, so every fourth digit is one of 32. Hashes and ids hardly ever look so."""
_REFERENCES = rf"(?:%{_HEX}{{2}})+|&(?:#[0-9]{{1,7}};?|#[xX]{_HEX}{{1,6}};?|[A-Za-z]{{2,8}};)|{_BASE64}"
MARKS = rf"{_ESCAPES}|{_REFERENCES}"
"""Regular expression of what may be an encoding."""
_escapes, _references = re2.compile(_ESCAPES.encode()), re2.compile(_REFERENCES.encode())
_ESCAPED = {b'\\"': b'"', b"\\\\": b"\\", b"\\/": b"/", b"\\b": b"\b", b"\\f": b"\f", b"\\n": b"\n", b"\\r": b"\r"}
LAYERS = 3
"""Encodings of encodings that are undone."""
_MOST_MARKS = 6_000


class TooManyMarks(ValueError):
    """A text with more encoded parts than anybody writes: it is not looked through."""


def unescaped(text: str) -> str:
    """The text with the escapes of JSON and of most programming languages undone. Raises TooManyMarks."""
    return _undone(text, _escapes, _escape)


def decoded(text: str) -> str:
    """The text with percent encoding, HTML references and base64 undone. Raises TooManyMarks."""
    return _undone(text, _references, _reference)


def _undone(text: str, marks: "re2._Regexp", undo: Callable[[bytes], bytes]) -> str:
    raw = text.encode("utf-8", "replace")
    pieces: list[bytes] = []
    done = 0
    for match in marks.finditer(raw):
        if len(pieces) >= 2 * _MOST_MARKS:
            raise TooManyMarks
        start, end = match.span()
        pieces += (raw[done:start], undo(raw[start:end]))
        done = end
    return b"".join((*pieces, raw[done:])).decode("utf-8", "replace") if pieces else text


def _escape(mark: bytes) -> bytes:
    if mark.startswith(b"\\u"):
        return bytes.fromhex(mark.replace(b"\\u", b"").decode()).decode("utf-16-be", "replace").encode()
    if mark.startswith(b"\\x"):
        return bytes.fromhex(mark.replace(b"\\x", b"").decode())
    return _ESCAPED.get(mark, b"\t")


def _reference(mark: bytes) -> bytes:
    if mark.startswith(b"%"):
        return bytes.fromhex(mark.replace(b"%", b"").decode())
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
