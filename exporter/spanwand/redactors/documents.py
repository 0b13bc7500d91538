"""Redaction inside JSON: prompts and answers travel as JSON strings, where an escape can hide a secret from a pattern.

The document is parsed, its strings and keys are scrubbed (strings that are JSON themselves likewise), and it is
written back only if something was found. JSON that was cut somewhere is read as text.

The patterns run over all texts of a document at once; what they find nowhere in it they need not look for in each.
"""

from collections.abc import Mapping, Sequence
from typing import TypeGuard

import msgspec

from spanwand.redactors.scrub import REMOVED, SHORT_CHARS, Scrubber

_ROUNDS = 4
_LONGEST_PLAIN_NUMBER = 10**10
"""Larger whole numbers may be card or phone numbers."""
_JSON_STARTS = frozenset('{["')
_VALUE, _NAMES = "value", ("name", "key", "field", "header")


def scrub_document(text: str, scrubber: Scrubber) -> str:
    """Return text or JSON without secrets, the same object if there are none. Doing it twice changes nothing."""
    for _ in range(_ROUNDS):
        scrubbed = scrub_once(text, scrubber)
        if scrubbed == text:
            return text
        text = scrubbed
    return REMOVED


def scrub_once(text: str, scrubber: Scrubber) -> str:
    """Likewise, once: what is written instead of a secret may itself match."""
    escaped = "\\" in text
    found = () if escaped else scrubber.found(text)
    if not (escaped or found):
        return text
    if text.lstrip()[:1] not in _JSON_STARTS:
        return scrubber.replace(text, found or scrubber.found(text))
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return scrubber.replace(text, found or scrubber.found(text))
    if escaped:
        together = "\n".join(_texts(document))
        found = scrubber.found(together)
        if not found and "\\" not in together:
            return text
    scrubbed = _walk(document, scrubber, found)
    return text if scrubbed == document else msgspec.json.encode(scrubbed).decode()


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
            _add_entries(value, texts, values)
        elif _is_long(value):
            texts.append(_digits(value))
    return texts


def _add_entries(entries: dict[str, object], texts: list[str], values: list[object]) -> None:
    for key, item in entries.items():
        if isinstance(item, str):
            texts.append(f"{key}={item}")
        else:
            texts.append(key)
            values.append(item)
    if isinstance(text := entries.get(_VALUE), str):
        texts.append(f"{_label(entries)}={text}")


def _walk(value: object, scrubber: Scrubber, found: Sequence[int]) -> object:
    """Return the value scrubbed of the patterns `found` in its document."""
    if isinstance(value, str):
        return _leaf(value, scrubber, found)
    if isinstance(value, list):
        return [_walk(item, scrubber, found) for item in value]
    if isinstance(value, dict):
        cleaned = dict([_entry(key, item, key, scrubber, found) for key, item in value.items()])
        if isinstance(text := value.get(_VALUE), str):
            cleaned[_VALUE] = _entry(_VALUE, text, _label(value), scrubber, found)[1]
        return cleaned
    if _is_long(value):
        digits = _digits(value)
        scrubbed = scrubber.replace(digits, found)
        return value if scrubbed == digits else scrubbed
    return value


def _entry(key: str, item: object, name: str, scrubber: Scrubber, found: Sequence[int]) -> tuple[str, object]:
    """A key and its value, scrubbed; some secrets are known by their name alone: `"password": "..."`."""
    clean = _plain(key, scrubber, found)
    if not isinstance(item, str):
        return clean, _walk(item, scrubber, found)
    named = f"{clean if name is key else _plain(name, scrubber, found)}="
    text = scrub_once(item, scrubber) if _may_hide(item) else item
    return clean, _plain(named + text, scrubber, found).removeprefix(named)


def _label(entries: Mapping[str, object]) -> str:
    """What `value` is the value of: `{"name": "password", "value": "..."}`."""
    return next((name for key in _NAMES if isinstance(name := entries.get(key), str)), _VALUE)


def _leaf(text: str, scrubber: Scrubber, found: Sequence[int]) -> str:
    return scrub_once(text, scrubber) if _may_hide(text) else _plain(text, scrubber, found)


def _may_hide(text: str) -> bool:
    """What may be JSON is looked at on its own: an escape in it may hide what the patterns have not found."""
    return "\\" in text or text.lstrip()[:1] in _JSON_STARTS


def _plain(text: str, scrubber: Scrubber, found: Sequence[int]) -> str:
    if len(text) <= SHORT_CHARS:
        found = scrubber.found(text)
    return scrubber.replace(text, found) if found else text


def _is_long(value: object) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and abs(value) >= _LONGEST_PLAIN_NUMBER and value == value // 1


def _digits(value: float) -> str:
    return str(int(value))
