"""Redaction inside JSON: prompts and answers travel as JSON strings, where an escape can hide a secret from a pattern.

The document is parsed, its strings and keys are scrubbed (strings that are JSON themselves likewise), and it is
written back only if something was found. JSON that was cut somewhere is read as text, its escapes undone.
"""

import msgspec
import re2

from spanwand.redactors.scrub import REMOVED, Scrubber

_ROUNDS = 4
_LONGEST_PLAIN_NUMBER = 10**10
"""Larger whole numbers may be card or phone numbers."""
_ESCAPE = re2.compile(r"\\(?:u00([0-7][0-9A-Fa-f])|([\"\\/bfnrt]))")
_ESCAPED = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def scrub_document(text: str, scrubber: Scrubber) -> str:
    """Return text or JSON without secrets, the same object if there are none. Doing it twice changes nothing."""
    for _ in range(_ROUNDS):
        scrubbed = _scrub(text, scrubber)
        if scrubbed == text:
            return text
        text = scrubbed
    return REMOVED


def _scrub(text: str, scrubber: Scrubber) -> str:
    escaped = "\\" in text
    if not escaped and not scrubber.suspicious(text):
        return text
    if text.lstrip()[:1] not in {"{", "[", '"'}:
        return scrubber.scrub(text)
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return _scrub_cut(text, scrubber) if escaped else scrubber.scrub(text)
    scrubbed = _walk(document, scrubber)
    return text if scrubbed == document else msgspec.json.encode(scrubbed).decode()


def _scrub_cut(text: str, scrubber: Scrubber) -> str:
    plain = _ESCAPE.sub(lambda match: chr(int(match[1], 16)) if match[1] else _ESCAPED[match[2]], text)
    scrubbed = scrubber.scrub(plain)
    return scrubber.scrub(text) if scrubbed == plain else scrubbed


def _walk(value: object, scrubber: Scrubber) -> object:
    if isinstance(value, str):
        return _scrub(value, scrubber)
    if isinstance(value, list):
        return [_walk(item, scrubber) for item in value]
    if isinstance(value, dict):
        return {scrubber.scrub(key): _walk(item, scrubber) for key, item in value.items()}
    if isinstance(value, int) and abs(value) >= _LONGEST_PLAIN_NUMBER:
        digits = str(value)
        scrubbed = scrubber.scrub(digits)
        return value if scrubbed == digits else scrubbed
    return value
