"""Long JSON stays JSON in its column (issue 5 item 4)."""

import json
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.records import call

from spanwand.config import RedactConfig
from spanwand.content import Content
from spanwand.drops import Drops
from spanwand.redact import Redact, opened
from spanwand.redactors.shortened import shortened

NOTE = "[cut: 24051 characters]"
LIMIT = 500


def message(role: str, content: Any) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": content}]}


def test_the_longest_texts_lose_their_ends() -> None:
    sent = [message("system", "be kind"), message("user", "a" * 9_000), message("user", 'say "\n"' * 900)]
    text = shortened(json.dumps(sent), LIMIT, NOTE)
    assert text is not None
    assert LIMIT * 0.8 < len(text) <= LIMIT
    system, first, second, note = json.loads(text)
    assert (system, note) == (sent[0], NOTE)
    assert first["parts"][0]["content"].startswith("a" * 50)
    assert first["parts"][0]["content"].endswith("a\u2026")
    assert second["parts"][0]["content"].startswith('say "\n"say "\n"')


@pytest.mark.parametrize("policy", ["redacted", "full"])
def test_a_long_conversation_is_json_in_its_row(policy: Literal["redacted", "full"]) -> None:
    config = RedactConfig(policy=policy, acknowledge_full=True, content_max_chars=LIMIT)
    sent = json.dumps([message("system", "be kind"), message("user", "mail jane@example.com " + "a b " * 9_000)])
    clean = opened(Redact(config, b"key", Drops())(call(content=Content(input=sent)))).content.input
    assert len(clean) <= LIMIT
    system, user, note = json.loads(clean)
    assert system == message("system", "be kind")
    assert ("jane@" in user["parts"][0]["content"]) == (policy == "full")
    assert note.startswith(f"[cut: {len(sent)} characters, digest ")


def test_an_object_has_the_note_under_a_name_of_its_own() -> None:
    text = shortened(json.dumps({"n": 1.5, "said": "é" * 9_000}), LIMIT, NOTE)
    assert text is not None
    assert {**json.loads(text), "said": ""} == {"n": 1.5, "said": "", "\u2026": NOTE}


@pytest.mark.parametrize(
    "text",
    [
        *("a" * 900, '"' + "a" * 900 + '"', '{"a": "' + "b" * 900, "[" * 900, "[]", ""),
        *("[" + "1," * 900 + "1]", json.dumps(["ab"] * 900), json.dumps({"k" * 900: "v"})),
        *("[" * 60_000 + "]" * 60_000, "[" * 400 + '"' + "a" * 900 + '"' + "]" * 400),
    ],
)
def test_what_is_cut_as_text(text: str) -> None:
    """No JSON, JSON that was cut, and JSON of which nothing would be left but names and numbers."""
    assert shortened(text, LIMIT, NOTE) is None


JSON = st.recursive(
    st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@given(st.lists(JSON, min_size=1) | st.dictionaries(st.text(), JSON, min_size=1), st.text(min_size=400))
def test_it_is_json_of_that_length_or_nothing(document: Any, text: str) -> None:
    document = [document, text, text]
    short = shortened(json.dumps(document), LIMIT, NOTE)
    if short is not None:
        assert len(short) <= LIMIT
        assert json.loads(short)[-1] == NOTE
