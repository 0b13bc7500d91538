"""The app whose spans are captured: a call or two of the real `openai` package per case. Run: `cases.py CASE...`."""

import contextlib
import sys
from collections.abc import Callable
from typing import Any

import openai

Client = openai.OpenAI
CHAT: dict[str, Any] = {
    "model": "gpt-4o-mini",
    "messages": [
        {"role": "system", "content": "You draw comics."},
        {"role": "user", "content": "The fox climbs the wall. Write to ada@example.org if it falls."},
    ],
}
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
LONG_STORY = "The fox climbs the wall and looks down at the sleeping town. " * 60


def chat(client: Client) -> None:
    client.chat.completions.create(**CHAT, temperature=0.5, top_p=0.9, seed=7, max_completion_tokens=100)


def cached_and_reasoning(client: Client) -> None:
    client.chat.completions.create(model="gpt-5-mini", messages=[{"role": "user", "content": LONG_STORY}])


def stream(client: Client) -> None:
    for _ in client.chat.completions.create(**CHAT, stream=True, stream_options={"include_usage": True}):
        pass


def stream_without_usage(client: Client) -> None:
    for _ in client.chat.completions.create(**CHAT, stream=True):
        pass


def tools(client: Client) -> None:
    messages: list[Any] = [{"role": "user", "content": "How is the weather?"}]
    first = client.chat.completions.create(model="gpt-4o-mini", messages=messages, tools=[WEATHER])
    message = first.choices[0].message
    assert message.tool_calls
    messages += [message, {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "Rain."}]
    client.chat.completions.create(model="gpt-4o-mini", messages=messages, tools=[WEATHER])


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
    client.embeddings.create(model="text-embedding-3-small", input=["The fox climbs.", "It falls."], dimensions=256)


def responses(client: Client) -> None:
    client.responses.create(model="gpt-5-mini", input="The fox climbs the wall.")


CASES: dict[str, Callable[[Client], None]] = {
    "chat": chat,
    "cached-and-reasoning": cached_and_reasoning,
    "stream": stream,
    "stream-without-usage": stream_without_usage,
    "tools": tools,
    "error": error,
    "wrong-key": wrong_key,
    "throttled": throttled,
    "retried": retried,
    "embeddings": embeddings,
    "responses": responses,
}

if __name__ == "__main__":
    for name in sys.argv[1:]:
        CASES[name](Client())
