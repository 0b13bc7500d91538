"""Texts and expressions made to be slow: all of them end, and soon (R36)."""

import json
import random
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from itertools import product

import pytest

from spanwand.errors import ConfigError
from spanwand.redact_config import RedactRule
from spanwand.redactors.documents import TooManyTexts, scrub_document
from spanwand.redactors.patterns import PATTERNS
from spanwand.redactors.rule import Rule
from spanwand.redactors.scrub import REMOVED, Scrubber
from spanwand.redactors.work import TooMuchWork, Work

SCRUBBER = Scrubber()
MEGABYTE = 1_000_000
MOST_BYTES = 32_768
"""Seen of one text by an expression of a user."""
PIECES = ["\\n", "%41 ", "&#65; ", "\\u0041", "aGVsbG8gd29ybGQg", "token=", "cookie:", "4111111111111112 "]
LOOPS = [
    *("(a+)+", "(a|aa)+", "(a|a?)+", "(.*)*", "([a-z]+)*", "(a*a*)+", "((a)*)*", r"(\w+\s?)*", "(a{1,9}){1,9}"),
    *(".*.*.*", "a*a*a*a*a*", "(?:a?){50}", "(a+a+)+", r"(\w|\d)*", "([^b]+)+", "(?:a|b|ab)*", r"(?:\S+\s*)+"),
    *("(.+)+", "(?:(?:a+)+)+", r"([a-z]+\.)*[a-z]+"),
]
ENDS = ["$!", "b", "[^a]c", r"\z.", "@"]


def scrub(text: str) -> str:
    return scrub_document(text, SCRUBBER)


def slowest(edits: Iterable[tuple[Callable[[str], str], str]]) -> float:
    """Milliseconds of CPU."""
    took = []
    for edit, text in edits:
        start = time.process_time()
        with suppress(ValueError):  # refused: no text of the record leaves
            edit(text)
        took.append(time.process_time() - start)
    return max(took) * 1e3


def wrapped(piece: str, size: int) -> dict[str, str]:
    """So many characters of one piece: as text, in one JSON string, in many, in JSON in JSON, and as names."""
    text = (piece + " ") * (size // (len(piece) + 1))
    many = [piece] * (size // (len(json.dumps(piece)) + 2))
    names = json.dumps([{piece: 1}] * (size // (len(json.dumps(piece)) + 7)))
    nested = json.dumps({"args": json.dumps(many[: len(many) * 3 // 4])})
    return {
        "text": text,
        "string": json.dumps([text]),
        "strings": json.dumps(many),
        "JSON": nested,
        "names": json.dumps(names),
    }


def own(regex: str, **selectors: str) -> Rule:
    return Rule(RedactRule(name="own", regex=regex, **selectors), b"k", {})  # type: ignore[arg-type]  # texts, all


def test_a_megabyte_of_each_pattern(report: Callable[[str], None]) -> None:
    """R36: each shipped expression on what it finds and nearly finds, and encodings; as text and in JSON."""
    pieces = [*PIECES, *(text for pattern in PATTERNS for text in (pattern.found[0], pattern.left[0]))]
    texts = [(piece + " ") * (MEGABYTE // (len(piece) + 1)) for piece in pieces]
    sent = [text for plain in texts for text in (plain, json.dumps([plain]))]
    report(f"R36: the slowest of {len(sent)} hostile megabytes took {slowest((scrub, t) for t in sent):.0f} ms of CPU")


def test_a_hundred_hostile_expressions(report: Callable[[str], None]) -> None:
    """R36: what makes backtracking exponential is linear here."""
    regexes = [loop + end for loop, end in product(LOOPS, ENDS)]
    assert len(regexes) == 100
    took = slowest((partial(own(regex), names=("content.input",), role=""), "a" * MEGABYTE) for regex in regexes)
    report(f"R36: the slowest of {len(regexes)} hostile expressions took {took:.0f} ms of CPU for a megabyte")


def test_expressions_on_texts_made_for_them(report: Callable[[str], None]) -> None:
    """R36: a byte of such a text costs a step for each that the expression unfolds to, so an expression sees less."""
    bits = random.Random(36)
    text = "".join(bits.choice("ab") for _ in range(MEGABYTE))
    regexes = [
        r"[ab]*a[ab]{20}",
        r"a[ab]{20}c",
        r".*a.{100}c",
        r"a.{0,200}b.{0,10}c",
        r"a(?s:.*)z|a",
        r"a[ab]*a[ab]{20}c|b",
    ]
    edits = [(partial(own(regex), names=("content.input",), role=""), text) for regex in regexes]
    sizes = [len(edit(text).encode()) for edit, _ in edits]
    assert max(sizes) <= MOST_BYTES + len(REMOVED)
    assert all(edit(text).endswith(REMOVED) for edit, _ in edits)
    documents = [
        (partial(own(regex, path="**"), names=("content.input",), role=""), json.dumps([text])) for regex in regexes
    ]
    report(f"R36: expressions on a megabyte made for them took at most {slowest([*edits, *documents]):.0f} ms of CPU")


def test_what_an_expression_does_not_see_is_gone() -> None:
    """R36, P6: it fails closed. A text that fits is as it was."""
    secret = "order A-12345678 " * 10_000
    left = own(r"\bA-\d{8}\b")(secret, ("content.input",), "")
    assert "A-1" not in left
    assert left.endswith(REMOVED)
    assert own("b")("ä" * 16_384, ("content.input",), "") == "ä" * 16_384
    assert own("b")("ä" * 16_385, ("content.input",), "") == "ä" * 16_384 + REMOVED


def test_an_expression_that_unfolds_to_too_much_is_refused() -> None:
    """R36: how slow RE2 can be grows with what repetitions unfold to."""
    with pytest.raises(ConfigError, match="redact rule own: "):
        own(r"a.{900}c")


def test_a_document_of_more_texts_than_anybody_writes_is_refused() -> None:
    """R36: its record's text goes. So it does if thousands of texts would have to be scrubbed one by one."""
    assert scrub_document(json.dumps(["x"] * 30_000), SCRUBBER)
    for texts in (["x"] * 40_000, ["jane@example.com"] * 5_000, ["%41"] * 5_000):
        with pytest.raises(TooManyTexts):
            scrub_document(json.dumps(texts), SCRUBBER)


def test_more_secrets_than_one_pass_takes_in_texts_of_a_document() -> None:
    """They are scrubbed one by one then, and all are found."""
    assert set(json.loads(scrub_document(json.dumps(["jane@example.com"] * 1_500), SCRUBBER))) == {"[email]"}


@pytest.mark.parametrize("wrap", ["text", "string", "strings", "JSON", "names"])
def test_a_short_text_takes_no_more_work_than_its_size_allows(wrap: str) -> None:
    """R36: what fills a minute with texts of 8 KB stalls nobody: work is counted, in steps, and what has none left
    does not leave."""
    pieces = [*PIECES, *(text for pattern in PATTERNS for text in (pattern.found[0], pattern.left[0]))]
    for piece in pieces:
        text = wrapped(piece, 8_192)[wrap]
        work = Work(len(text))
        with suppress(TooMuchWork):
            scrub_document(text, SCRUBBER, work)
        assert work.left > -len(text)


def test_work_is_the_same_each_time() -> None:
    """R36: a replay gives up at the same place, whatever was cleaned before."""
    text = json.dumps({"rows": [f"{n}, call 0171 12345{n:02}" for n in range(80)]})
    left = []
    for scrubber in (SCRUBBER, Scrubber()):
        for _ in range(2):
            work = Work(len(text))
            scrub_document(text, scrubber, work)
            left.append(work.left)
    assert len(set(left)) == 1


def test_lists_that_people_send_are_no_attack() -> None:
    """P6: 8 KB of a log and of addresses are cleaned, not refused."""
    log = "".join(f"2026-11-21 12:30:{n % 60:02} INFO 10.0.0.{n} GET /x HTTP 200\n" for n in range(150))
    clean = scrub(log)
    assert clean.count("[ip]") == 150
    assert clean.count("12:30:") == 150
    assert scrub("jane@example.com,\n" * 400).count("[email]") == 400
    contacts = "".join(f"Jane Doe,jane{n}@example.com,+49 171 1234567\n" for n in range(150))
    assert (scrub(contacts).count("[email]"), scrub(contacts).count("[phone]")) == (150, 150)


def test_a_text_that_is_too_much_work_does_not_leave() -> None:
    """R36, P6: it is refused as a whole, which `redact` counts; a scrubber alone writes that it went."""
    text = "token=required " * 5_000
    with pytest.raises(TooMuchWork):
        scrub(text)
    assert SCRUBBER.scrub(text) == REMOVED
