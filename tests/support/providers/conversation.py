"""What any model answers to a conversation: the demo's rules, whichever API asks, so that counts are comparable."""

from collections.abc import Sequence
from typing import Any

import msgspec

from spanwand.record import Usage
from spanwand_sidecar.demo import answers

Message = dict[str, Any]
PLAIN, THINKING = "gpt-4o-mini", "gpt-5-mini"
"""The demo's models that stand for one that does not think before it answers, and one that does."""


class Said(msgspec.Struct, frozen=True):
    """An answer: a text or calls of tools, and its inclusive counts."""

    text: str
    calls: Sequence[Message]
    usage: Usage


def said(messages: Sequence[Message], functions: Sequence[Message], *, thinks: bool, limit: int | None = None) -> Said:
    """Answer messages `{role, content}`, offered functions `{name, parameters}`; at most `limit` words of text."""
    body = {
        "model": THINKING if thinks else PLAIN,
        "messages": messages,
        "tools": [{"type": "function", "function": function} for function in functions],
        "max_completion_tokens": limit,
    }
    calls = answers.tool_calls(body)
    text = "" if calls else answers.chat_text(body)
    return Said(text, calls, answers.chat_usage(body, text, calls))
