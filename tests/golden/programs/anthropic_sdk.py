"""A call or two of the real `anthropic` package per case. Run: `anthropic_sdk.py CASE`."""

import contextlib
import sys
from collections.abc import Callable
from typing import Any

import anthropic

from tests.golden.programs.conversation import (
    LONG_STORY,
    PROMPT,
    SYSTEM,
    TOOL_DESCRIPTION,
    TOOL_NAME,
    TOOL_PARAMETERS,
    TOOL_PROMPT,
    TOOL_RESULT,
)

MODEL = "claude-haiku-4-5"
CHAT: Any = {
    "model": MODEL,
    "max_tokens": 100,
    "system": SYSTEM,
    "messages": [{"role": "user", "content": PROMPT}],
}
LONG: Any = {
    "model": MODEL,
    "max_tokens": 2000,
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "messages": [
        {
            "role": "user",
            "content": [{"type": "text", "text": LONG_STORY, "cache_control": {"type": "ephemeral"}}],
        }
    ],
}


def chat(client: Any) -> None:
    client.messages.create(**CHAT)


def cached_and_reasoning(client: Any) -> None:
    client.messages.create(**LONG)


def cached_and_reasoning_stream(client: Any) -> None:
    for _ in client.messages.create(**LONG, stream=True):
        pass


def stream(client: Any) -> None:
    for _ in client.messages.create(**CHAT, stream=True):
        pass


def stream_manager(client: Any) -> None:
    with client.messages.stream(**CHAT) as events:
        events.get_final_message()


def tools(client: Any) -> None:
    tool: Any = {"name": TOOL_NAME, "description": TOOL_DESCRIPTION, "input_schema": TOOL_PARAMETERS}
    said: list[Any] = [{"role": "user", "content": TOOL_PROMPT}]
    first: Any = client.messages.create(model=MODEL, max_tokens=100, messages=said, tools=[tool])
    (call,) = first.content
    result = {"type": "tool_result", "tool_use_id": call.id, "content": TOOL_RESULT}
    said += [{"role": "assistant", "content": first.content}, {"role": "user", "content": [result]}]
    client.messages.create(model=MODEL, max_tokens=100, messages=said, tools=[tool])


def error(client: Any) -> None:
    with contextlib.suppress(anthropic.APIError):
        client.messages.create(**CHAT, extra_headers={"x-fail": "529"})


def throttled(client: Any) -> None:
    with contextlib.suppress(anthropic.APIError):
        client.messages.create(**CHAT, extra_headers={"x-fail": "429"})


def retried(client: Any) -> None:
    client.messages.create(**CHAT, extra_headers={"x-fail": "429x1"})


CASES: dict[str, Callable[[Any], None]] = {
    "chat": chat,
    "cached-and-reasoning": cached_and_reasoning,
    "cached-and-reasoning-stream": cached_and_reasoning_stream,
    "stream": stream,
    "stream-manager": stream_manager,
    "tools": tools,
    "error": error,
    "throttled": throttled,
    "retried": retried,
}

if __name__ == "__main__":
    CASES[sys.argv[1]](anthropic.Anthropic())
