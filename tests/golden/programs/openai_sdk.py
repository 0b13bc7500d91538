"""A call or two of the real `openai` package per case. Run: `openai_sdk.py CASE`."""

import contextlib
import sys
from collections.abc import Callable
from typing import Any

import openai

from tests.golden.programs.conversation import (
    LONG_STORY,
    PICTURE,
    PROMPT,
    SYSTEM,
    TEXTS,
    TOOL_DESCRIPTION,
    TOOL_NAME,
    TOOL_PARAMETERS,
    TOOL_PROMPT,
    TOOL_RESULT,
)

Client = openai.OpenAI
CHAT: dict[str, Any] = {
    "model": "gpt-4o-mini",
    "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": PROMPT}],
}
FUNCTION: Any = {"name": TOOL_NAME, "description": TOOL_DESCRIPTION, "parameters": TOOL_PARAMETERS}
LONG: Any = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": LONG_STORY}]}
USAGE: Any = {"stream": True, "stream_options": {"include_usage": True}}


def chat(client: Client) -> None:
    client.chat.completions.create(**CHAT, temperature=0.5, top_p=0.9, seed=7, max_completion_tokens=100)


def cached_and_reasoning(client: Client) -> None:
    client.chat.completions.create(**LONG)


def cached_and_reasoning_stream(client: Client) -> None:
    for _ in client.chat.completions.create(**LONG, **USAGE):
        pass


def stream(client: Client) -> None:
    for _ in client.chat.completions.create(**CHAT, **USAGE):
        pass


def stream_without_usage(client: Client) -> None:
    for _ in client.chat.completions.create(**CHAT, stream=True):
        pass


def tools(client: Client) -> None:
    tool: Any = {"type": "function", "function": FUNCTION}
    messages: list[Any] = [{"role": "user", "content": TOOL_PROMPT}]
    first = client.chat.completions.create(model="gpt-4o-mini", messages=messages, tools=[tool])
    message = first.choices[0].message
    assert message.tool_calls
    messages += [message, {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": TOOL_RESULT}]
    client.chat.completions.create(model="gpt-4o-mini", messages=messages, tools=[tool])


def error(client: Client) -> None:
    with contextlib.suppress(openai.APIError):
        client.chat.completions.create(**CHAT, extra_headers={"x-fail": "500"})


def wrong_key(client: Client) -> None:
    with contextlib.suppress(openai.APIError):
        client.with_options(api_key="sk-not-this-one").chat.completions.create(**CHAT)


def throttled(client: Client) -> None:
    with contextlib.suppress(openai.APIError):
        client.chat.completions.create(**CHAT, extra_headers={"x-fail": "429"})


def retried(client: Client) -> None:
    client.chat.completions.create(**CHAT, extra_headers={"x-fail": "429x1"})


def embeddings(client: Client) -> None:
    client.embeddings.create(model="text-embedding-3-small", input=TEXTS, dimensions=8)


def images(client: Client) -> None:
    client.images.generate(model="gpt-image-1", prompt=PICTURE, size="1024x1024", quality="medium", n=1)


def responses(client: Client) -> None:
    client.responses.create(model="gpt-5-mini", input=PROMPT, instructions=SYSTEM)


def responses_stream(client: Client) -> None:
    for _ in client.responses.create(model="gpt-5-mini", input=PROMPT, instructions=SYSTEM, stream=True):
        pass


def responses_tools(client: Client) -> None:
    tool: Any = {"type": "function", "strict": False, **FUNCTION}
    said: list[Any] = [{"role": "user", "content": TOOL_PROMPT}]
    first: Any = client.responses.create(model="gpt-4o-mini", input=said, tools=[tool])
    (call,) = first.output
    said += [call, {"type": "function_call_output", "call_id": call.call_id, "output": TOOL_RESULT}]
    client.responses.create(model="gpt-4o-mini", input=said, tools=[tool])


CASES: dict[str, Callable[[Client], None]] = {
    "chat": chat,
    "cached-and-reasoning": cached_and_reasoning,
    "cached-and-reasoning-stream": cached_and_reasoning_stream,
    "stream": stream,
    "stream-without-usage": stream_without_usage,
    "tools": tools,
    "error": error,
    "wrong-key": wrong_key,
    "throttled": throttled,
    "retried": retried,
    "embeddings": embeddings,
    "images": images,
    "responses": responses,
    "responses-stream": responses_stream,
    "responses-tools": responses_tools,
}

if __name__ == "__main__":
    for name in sys.argv[1:]:
        CASES[name](Client())
