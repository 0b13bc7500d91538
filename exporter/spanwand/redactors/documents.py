"""Redaction inside JSON: prompts and answers travel as JSON strings, where an escape can hide a secret from a pattern.

The document is parsed, and all texts in it are scrubbed as one. It is written again only if something was found. JSON
that was cut somewhere is read as text.
"""

from collections.abc import Sequence
from typing import Any, TypeGuard

import msgspec

from spanwand.redactors.scrub import REMOVED, Scrubber
from spanwand.redactors.work import TooMuchWork, Work

_LONGEST_PLAIN_NUMBER = 10**10
"""Larger whole numbers may be card or phone numbers."""
_JSON_STARTS = frozenset('{["')
_VALUE, _NAMES = "value", ("name", "key", "field", "header")
_QUOTED_VALUE = f'"{_VALUE}"'
"""In a text that is JSON itself, beside a name maybe, where no pattern sees both."""
_BETWEEN = "\n\x1e\n"
"""Stands between the texts. No pattern looks beyond a line end and a control character, but for those that take
everything up to an end: that is noticed, for then one of these is missing. ASCII, or all texts would be as slow as
texts that are not."""
_MOST_VALUES, _MOST_ALONE = 32_768, 4_096
"""In one document; and of its texts, if they have to be scrubbed one by one."""
_VALUES_OF_A_STEP, _STEPS_ALONE, _STEPS_OF_A_DOCUMENT = 4, 3, 4
_Place = tuple[Any, Any, str]
"""The list or object that holds a text, where in it (nowhere, if it is a name), and what was put before the text."""


class TooManyTexts(TooMuchWork):
    """A document with more texts than anybody writes: it is not looked through."""


def scrub_document(text: str, scrubber: Scrubber, work: Work | None = None) -> str:
    """Return text or JSON without secrets, the same object if there are none. Doing it twice changes nothing.

    Raises TooMuchWork.
    """
    work = work or Work(len(text))
    document = _parsed(text)
    if not document:
        plain, text = text, _plain(text, scrubber, work)
        document = [] if text is plain else _parsed(text)  # it may have been encoded
    return msgspec.json.encode(document[0]).decode() if document and _changed(document, scrubber, work) else text


def _parsed(text: str) -> list[Any]:
    """The document, in a list in which it can be exchanged; an empty one if the text is no JSON."""
    if text.lstrip()[:1] not in _JSON_STARTS:
        return []
    try:
        return [msgspec.json.decode(text)]
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return []


def _plain(text: str, scrubber: Scrubber, work: Work) -> str:
    return scrubber.without(text, scrubber.found(text), work)


def _changed(document: list[Any], scrubber: Scrubber, work: Work) -> bool:
    """Scrub a document where it is, and say whether that changed it."""
    holders, places, texts = _flat(document, scrubber, work)
    together = _BETWEEN.join(texts)
    work.look(len(together))
    found = scrubber.found(together)
    if ("\\" in together or _QUOTED_VALUE in together) and _changed_inside(places, scrubber, work):
        return _changed(document, scrubber, work) or True
    if not found:
        return False
    scrubbed = zip(places, texts, _scrubbed(together, found, texts, scrubber, work), strict=True)
    edits = [(place, after) for place, before, after in scrubbed if after != before]
    if _changed_inside([place for place, _ in edits], scrubber, work) or _renamed(edits, holders, scrubber, work):
        return _changed(document, scrubber, work) or True
    if _has_more(edits, is_encoded=scrubber.may_be_encoded(found)):
        _changed(document, scrubber, work)
    return bool(edits)


def _has_more(edits: list[tuple[_Place, str]], *, is_encoded: bool) -> bool:
    """Write the edits, and say whether there is more to see now: numbers that became texts come with their names, and
    what was encoded may be JSON."""
    has_more = False
    for (holder, at, name), text in edits:
        if at is not None:
            clean = text.removeprefix(name) if text.startswith(name) else REMOVED
            has_more |= not isinstance(holder[at], str) or (is_encoded and holder[at] != clean)
            holder[at] = clean
    return has_more


def _flat(document: list[Any], scrubber: Scrubber, work: Work) -> tuple[list[Any], list[_Place], list[str]]:
    """All lists and objects of a document; and all texts, with where they are. Raises TooManyTexts."""
    holders: list[Any] = [document]
    places: list[_Place] = []
    texts: list[str] = []
    values = 0
    for holder in holders:
        values += len(holder)
        if values > _MOST_VALUES:
            raise TooManyTexts
        work.spend(1 + len(holder) // _VALUES_OF_A_STEP)
        if not isinstance(holder, dict):
            _add_items(holder, holders, places, texts)
            continue
        _add_entries(holder, holders, places, texts)
        if _VALUE in holder:
            _add_value(holder, places, texts, scrubber, work)
    return holders, places, texts


def _scrubbed(together: str, found: Sequence[int], texts: list[str], scrubber: Scrubber, work: Work) -> list[str]:
    """All texts scrubbed, one by one if need be."""
    is_alone = False
    try:
        work.spend(len(texts))
        if scrubber.may_be_encoded(found):
            work.spend(len(texts))
            is_alone, found = scrubber.hides(together, found, work), found[:-1]
        scrubbed = [] if is_alone else scrubber.without(together, found, work).split(_BETWEEN)
    except TooMuchWork:
        raise TooManyTexts from None
    if len(scrubbed) == len(texts):
        return scrubbed
    if len(texts) > _MOST_ALONE:
        raise TooManyTexts
    return [_alone(text, scrubber, work) for text in texts]


def _alone(text: str, scrubber: Scrubber, work: Work) -> str:
    work.spend(_STEPS_ALONE)
    return _plain(text, scrubber, work)


def _add_items(items: list[Any], holders: list[Any], places: list[_Place], texts: list[str]) -> None:
    for at, item in enumerate(items):
        if isinstance(item, str):
            places.append((items, at, ""))
            texts.append(item)
        elif isinstance(item, (dict, list)):
            holders.append(item)
        elif _is_long(item):
            places.append((items, at, ""))
            texts.append(str(int(item)))


def _add_entries(entries: dict[str, Any], holders: list[Any], places: list[_Place], texts: list[str]) -> None:
    """Texts come with their names: some secrets are known by that alone, `"password": "..."`."""
    for name, item in entries.items():
        if isinstance(item, str):
            before = f"{name}="
            places.append((entries, name, before))
            texts.append(before + item)
            continue
        places.append((entries, None, ""))
        texts.append(name)
        if isinstance(item, (dict, list)):
            holders.append(item)
        elif _is_long(item):
            places.append((entries, name, ""))
            texts.append(str(int(item)))


def _add_value(entries: dict[str, Any], places: list[_Place], texts: list[str], scrubber: Scrubber, work: Work) -> None:
    """Or by a name beside it: `{"name": "password", "value": "..."}`."""
    if isinstance(text := entries.get(_VALUE), str):
        label = next((name for key in _NAMES if isinstance(name := entries.get(key), str)), _VALUE)
        before = f"{_alone(label, scrubber, work)}="
        places.append((entries, _VALUE, before))
        texts.append(before + text)


def _changed_inside(places: list[_Place], scrubber: Scrubber, work: Work) -> bool:
    """Scrub texts that may be JSON themselves, where an escape may hide a secret, and say whether that changed one."""
    has_changed = False
    for holder, at, _ in places:
        if at is not None and isinstance(text := holder[at], str) and _may_be_json(text):
            work.spend(_STEPS_OF_A_DOCUMENT)
            holder[at] = scrub_document(text, scrubber, work)
            has_changed |= holder[at] != text
    return has_changed


def _may_be_json(text: str) -> bool:
    return "\\" in text or text.lstrip()[:1] in _JSON_STARTS


def _renamed(edits: list[tuple[_Place, str]], holders: list[Any], scrubber: Scrubber, work: Work) -> bool:
    """Scrub all names if one of the edits is in a name, and say whether that changed one."""
    if all(at is not None and text.startswith(name) for (_, at, name), text in edits):
        return False
    return any([_clean_names(holder, scrubber, work) for holder in holders if isinstance(holder, dict)])


def _clean_names(entries: dict[str, Any], scrubber: Scrubber, work: Work) -> bool:
    renamed = {_alone(name, scrubber, work): item for name, item in entries.items()}
    if renamed.keys() == entries.keys():
        return False
    entries.clear()
    entries.update(renamed)
    return True


def _is_long(value: object) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and abs(value) >= _LONGEST_PLAIN_NUMBER and value == value // 1
