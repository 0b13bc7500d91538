"""Rules of a user inside JSON: paths, roles, documents in documents (P6)."""

import json
from typing import Any

import pytest
from tests.unit.test_rules import MESSAGES, redact, said

from spanwand.redact import opened


def test_a_path_does_nothing_to_a_text_that_is_no_document() -> None:
    """Labels too: by default a rule is about every field."""
    made = redact({"path": "**.age", "action": "replace", "to": "[age]"})
    sent = said('{"age": 41}', request_model="gpt-4o", session_id="s-1", attributes={"comic.id": "7"})
    clean = opened(made(sent))
    assert clean.content.input == '{"age":"[age]"}'
    assert (clean.request_model, clean.session_id, clean.attributes) == ("gpt-4o", "s-1", {"comic.id": "7"})
    for text in ("just text", "[order:12ab] is late", "{name} is late", '"quoted" text'):
        assert opened(made(said(text))).content.input == text


@pytest.mark.parametrize("wrapped", [f"\n  {MESSAGES}", json.dumps(MESSAGES), json.dumps({"input": MESSAGES})])
@pytest.mark.parametrize(
    ("rule", "gone"),
    [
        ({"role": "system"}, "be kind to Ann"),
        ({"path": "**.age", "action": "replace", "to": "[age]"}, '"age": 41'),
        ({"path": "**.content", "regex": "be kind"}, "be kind"),
    ],
)
def test_documents_in_strings_and_behind_spaces(wrapped: str, rule: dict[str, Any], gone: str) -> None:
    """As tool calls hold their arguments, and MLflow and Langfuse their messages."""
    clean = opened(redact(rule)(said(wrapped))).content.input
    assert gone not in clean.replace("\\", "").replace('":', '": ')
    assert "Ann is 41" in clean


@pytest.mark.parametrize(
    ("role", "message"),
    [
        ("system", {"role": "developer", "content": "Ann"}),
        ("system", {"type": "system", "content": "Ann"}),
        ("assistant", {"role": "model", "parts": [{"text": "Ann"}]}),
        ("assistant", {"type": "ai", "data": {"content": "Ann"}}),
        ("user", {"role": "User", "content": "Ann"}),
        ("user", {"type": "human", "content": "Ann"}),
        ("tool", {"role": "function", "content": "Ann"}),
    ],
)
def test_roles_by_what_dialects_call_them(role: str, message: dict[str, Any]) -> None:
    for asked in ("system", "user", "assistant", "tool"):
        clean = opened(redact({"role": asked})(said(json.dumps([message])))).content.input
        assert ("Ann" in clean) == (asked != role)
        assert json.loads(clean)[0].get("role") == message.get("role")


def test_an_expression_sees_texts_and_not_their_escapes_and_leaves_a_document() -> None:
    """`\\b` in front of what a line begins with; letters that are not ASCII."""
    made = redact({"regex": r"\bA-\d{8}\b|Jürgen", "action": "replace", "to": 'an "order"'})
    for sent in ({"said": "first\nA-12345678 of Jürgen"}, {"said": json.dumps({"it": "first\nA-12345678 of Jürgen"})}):
        clean = json.loads(opened(made(said(json.dumps(sent)))).content.input)["said"]
        inner = json.loads(clean)["it"] if clean.startswith("{") else clean
        assert inner == 'first\nan "order" of an "order"'
