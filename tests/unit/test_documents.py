"""Documents in attributes: JSON, JSON that was cut, the repr of Python objects, lists flattened into keys (P3)."""

from typing import Any

import pytest

from spanwand.dialects.documents import Member, members, read
from spanwand.dialects.flattened import prefix_of, unflatten
from spanwand.dialects.parsers import as_sent, count


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": [1, {"b": null}]}', {"a": [1, {"b": None}]}),
        ('"{\\"a\\": 1}"', {"a": 1}),
        ("{'cache_read': 10, 'audio': None}", {"cache_read": 10, "audio": None}),
        ('{"id": "r1", "usage": {"input": 5, "out', {"id": "r1", "usage": {"input": 5}}),
        ('{"id": "r1", "text": "a, [b', {"id": "r1"}),
        ('[{"a": 1}, {"a": 2}', [{"a": 1}, {"a": 2}]),
        ('{"a": "an \\"escaped\\" word", "b', {"a": 'an "escaped" word'}),
        ("plain text", None),
        ("{not json}", None),
        ("__import__('os')", None),
        ("[" * 10_000, None),
        ("", None),
    ],
)
def test_what_a_text_stands_for(text: str, expected: object) -> None:
    assert read(text) == expected


def test_members_by_pointer() -> None:
    document = '{"usage": {"in": 5, "bad": -1}, "choices": [{"why": "stop"}, {"why": "length"}, {}], "a/b": 1}'
    wanted = [
        Member("in", ("usage", "in"), count),
        Member("bad", ("usage", "bad"), count),
        Member("why", ("choices", "*", "why"), as_sent),
        Member("second", ("choices", "1", "why"), as_sent),
        Member("none", ("choices", "7", "why"), as_sent),
    ]
    assert dict(members(document, wanted)) == {"in": 5, "why": ("stop", "length"), "second": "length"}
    assert dict(members("no document", wanted)) == {}


def test_flattened_lists_are_put_together() -> None:
    """OpenInference and OpenLLMetry; what an attribute limit took away (oddities 18) leaves a shorter list."""
    sent: dict[str, Any] = {
        "llm.input_messages.1.message.role": "user",
        "llm.input_messages.1.message.contents.0.message_content.text": "hi",
        "llm.input_messages.10.message.role": "tool",
        "llm.input_messages.2.message.tool_calls.0.tool_call.function.name": "f",
        "gen_ai.prompt.0.user": "old",
        "llm.prompts.0": "alone",
    }
    parts = [(prefix_of(key) or "", key, value) for key, value in sent.items()]
    assert unflatten(parts) == {
        "llm.input_messages": [
            {"role": "user", "contents": [{"text": "hi"}]},
            {"tool_calls": [{"function": {"name": "f"}}]},
            {"role": "tool"},
        ],
        "gen_ai.prompt": [{"user": "old"}],
        "llm.prompts": ["alone"],
    }


def test_a_value_and_a_list_under_one_key_do_not_raise() -> None:
    sent: dict[str, Any] = {"p.0": "text", "p.0.role": "user", "p.1.a": 1, "p.1.a.b": 2}
    assert unflatten(("p", key, value) for key, value in sent.items())["p"]


@pytest.mark.parametrize(("key", "prefix"), [("a.b.0.c", "a.b"), ("a.12", "a"), ("gpt4.x", None), ("a.99999.b", None)])
def test_prefixes(key: str, prefix: str | None) -> None:
    assert prefix_of(key) == prefix
