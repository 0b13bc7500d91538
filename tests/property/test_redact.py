"""Redaction done twice is redaction done once, and nothing planted survives it (P6)."""

import json

from hypothesis import example, given, settings
from hypothesis import strategies as st

from spanwand.redactors.documents import scrub_document
from spanwand.redactors.patterns import PATTERNS
from spanwand.redactors.scrub import Scrubber
from spanwand.redactors.work import TooMuchWork

SCRUBBER = Scrubber()
EXAMPLES = [example for pattern in PATTERNS for example in pattern.found]
PIECES = st.sampled_from(
    [*EXAMPLES, *(text for pattern in PATTERNS for text in pattern.left), "\\", '"', "{", "[", "\\n"]
)
TEXTS = st.lists(PIECES | st.text(max_size=8), max_size=8).map("".join)
DOCUMENTS = st.recursive(
    TEXTS | st.integers() | st.floats(allow_nan=False) | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=6,
)
FILLERS = st.sampled_from(["x" * 300, " word" * 70, "1 " * 150, "a." * 150, "=" * 300, "é" * 200, " ", "\n", "-"])
"""Longer than the part around a replacement that is looked at again."""
SPREAD = st.lists(PIECES | FILLERS, max_size=9).map("".join)


def left_of(text: str) -> str:
    """What leaves of it: nothing where a few hundred characters hold more findings than anybody writes."""
    try:
        return scrub_document(text, SCRUBBER)
    except TooMuchWork:
        return ""


@given(SPREAD)
@settings(max_examples=500, deadline=None)
def test_what_is_looked_at_again_is_enough(text: str) -> None:
    """What is around the replacements is tested once more, not the text: nothing is left that all of it would show."""
    once = SCRUBBER.scrub(text)
    assert SCRUBBER.replace(once, SCRUBBER.found(once)) == once


@given(st.lists(SPREAD, max_size=6))
@settings(max_examples=300, deadline=None)
def test_texts_scrubbed_at_once_are_as_if_scrubbed_one_by_one(texts: list[str]) -> None:
    plain = [text for text in texts if "\\" not in text and text.lstrip()[:1] not in ("{", "[", '"')]
    assert json.loads(scrub_document(json.dumps(plain), SCRUBBER)) == [SCRUBBER.scrub(text) for text in plain]


@given(TEXTS)
@settings(max_examples=500, deadline=None)
def test_scrubbing_text_is_idempotent(text: str) -> None:
    once = scrub_document(text, SCRUBBER)
    assert scrub_document(once, SCRUBBER) == once


@given(DOCUMENTS, st.integers(0, 400))
@settings(max_examples=300, deadline=None)
def test_scrubbing_documents_is_idempotent_also_when_they_are_cut(document: object, cut: int) -> None:
    for text in (json.dumps(document), json.dumps(document)[:cut]):
        once = left_of(text)
        assert left_of(once) == once


@settings(deadline=None)
@example("DB_PASSWORD=hunter2x", "", "aaaaaa")
@given(st.sampled_from(EXAMPLES), st.text(alphabet="abc ,.\n", max_size=20), st.text(alphabet="abc ,.\n", max_size=20))
def test_a_planted_secret_is_found_in_text_and_in_json(secret: str, before: str, after: str) -> None:
    text = f"{before} {secret} {after}"
    for sent in (text, json.dumps({"content": text}), json.dumps({"args": json.dumps([text])})):
        assert secret not in scrub_document(sent, SCRUBBER)
