"""Redaction inside JSON: prompts and answers travel as JSON strings, where an escape can hide a secret from a pattern.

The document is parsed, its strings and keys are scrubbed (strings that are JSON themselves likewise), and it is
written back only if something was found. JSON that was cut somewhere is read as text, its escapes undone.

The patterns run over all texts of a document at once; what they find nowhere in it they need not look for in each.
"""

from collections.abc import Sequence

import msgspec
import re2

from spanwand.redactors.scrub import REMOVED, SHORT_CHARS, Scrubber

_ROUNDS = 4
_LONGEST_PLAIN_NUMBER = 10**10
"""Larger whole numbers may be card or phone numbers."""
_JSON_STARTS = frozenset('{["')
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
    found = () if escaped else scrubber.found(text)
    if not (escaped or found):
        return text
    if text.lstrip()[:1] not in _JSON_STARTS:
        return scrubber.replace(text, found or scrubber.found(text))
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return _scrub_cut(text, scrubber) if escaped else scrubber.replace(text, found)
    if escaped:
        together = "\n".join(_texts(document))
        found = scrubber.found(together)
        if not found and "\\" not in together:
            return text
    scrubbed = _walk(document, scrubber, found)
    return text if scrubbed == document else msgspec.json.encode(scrubbed).decode()


def _scrub_cut(text: str, scrubber: Scrubber) -> str:
    plain = _ESCAPE.sub(lambda match: chr(int(match[1], 16)) if match[1] else _ESCAPED[match[2]], text)
    scrubbed = scrubber.scrub(plain)
    return scrubber.scrub(text) if scrubbed == plain else scrubbed


def _texts(document: object) -> list[str]:
    """All that `_walk` looks at."""
    texts: list[str] = []
    values = [document]
    for value in values:
        if isinstance(value, str):
            texts.append(value)
        elif isinstance(value, list):
            values += value
        elif isinstance(value, dict):
            texts += [_named(key, item) if isinstance(item, str) else key for key, item in value.items()]
            values += [item for item in value.values() if not isinstance(item, str)]
        elif _is_long(value):
            texts.append(str(value))
    return texts


def _walk(value: object, scrubber: Scrubber, found: Sequence[int]) -> object:
    """Return the value scrubbed of the patterns `found` in its document."""
    if isinstance(value, str):
        return _leaf(value, scrubber, found)
    if isinstance(value, list):
        return [_walk(item, scrubber, found) for item in value]
    if isinstance(value, dict):
        return dict([_entry(key, item, scrubber, found) for key, item in value.items()])
    if _is_long(value):
        digits = str(value)
        scrubbed = scrubber.replace(digits, found)
        return value if scrubbed == digits else scrubbed
    return value


def _entry(key: str, item: object, scrubber: Scrubber, found: Sequence[int]) -> tuple[str, object]:
    """A key and its value, scrubbed; some secrets are known by their key alone: `"password": "..."`."""
    key = _plain(key, scrubber, found)
    if not isinstance(item, str):
        return key, _walk(item, scrubber, found)
    text = _scrub(item, scrubber) if _may_hide(item) else item
    return key, _plain(_named(key, text), scrubber, found).removeprefix(_named(key, ""))


def _named(key: str, text: str) -> str:
    return f"{key}={text}"


def _leaf(text: str, scrubber: Scrubber, found: Sequence[int]) -> str:
    return _scrub(text, scrubber) if _may_hide(text) else _plain(text, scrubber, found)


def _may_hide(text: str) -> bool:
    """What may be JSON is looked at on its own: an escape in it may hide what the patterns have not found."""
    return "\\" in text or text.lstrip()[:1] in _JSON_STARTS


def _plain(text: str, scrubber: Scrubber, found: Sequence[int]) -> str:
    if len(text) <= SHORT_CHARS:
        found = scrubber.found(text)
    return scrubber.replace(text, found) if found else text


def _is_long(value: object) -> bool:
    return isinstance(value, int) and abs(value) >= _LONGEST_PLAIN_NUMBER
