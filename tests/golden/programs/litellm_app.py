"""The conversation through LiteLLM with its own OpenTelemetry callback, if `GOLDEN_LITELLM` is it. Run: `... CASE`."""

import contextlib
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import litellm
import openai
from litellm.litellm_core_utils.thread_pool_executor import executor
from opentelemetry import trace

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
from tests.golden.programs.first_fails import http_client

CHAT: dict[str, Any] = {
    "model": "gpt-4o-mini",
    "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": PROMPT}],
}


def chat() -> None:
    litellm.completion(**CHAT, temperature=0.5, top_p=0.9, seed=7, max_completion_tokens=100)


def cached_and_reasoning() -> None:
    litellm.completion(model="gpt-5-mini", messages=[{"role": "user", "content": LONG_STORY}])


def stream() -> None:
    for _ in litellm.completion(**CHAT, stream=True, stream_options={"include_usage": True}):
        pass


def stream_without_usage() -> None:
    for _ in litellm.completion(**CHAT, stream=True):
        pass


def tools() -> None:
    function = {"name": TOOL_NAME, "description": TOOL_DESCRIPTION, "parameters": TOOL_PARAMETERS}
    settings: dict[str, Any] = {"model": "gpt-4o-mini", "tools": [{"type": "function", "function": function}]}
    messages: list[Any] = [{"role": "user", "content": TOOL_PROMPT}]
    message = litellm.completion(messages=messages, **settings).choices[0].message
    messages += [message, {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": TOOL_RESULT}]
    litellm.completion(messages=messages, **settings)


def error() -> None:
    with contextlib.suppress(openai.APIError):
        litellm.completion(**CHAT, extra_headers={"x-fail": "500"}, max_retries=0)


def retried() -> None:
    """By LiteLLM, not by the SDK: two attempts."""
    litellm.completion(**CHAT, client=openai.OpenAI(max_retries=0, http_client=http_client(429)), num_retries=1)


def embeddings() -> None:
    litellm.embedding(model="text-embedding-3-small", input=TEXTS, dimensions=8)


def images() -> None:
    litellm.image_generation(model="gpt-image-1", prompt=PICTURE, size="1024x1024", quality="medium", n=1)


CASES: dict[str, Callable[[], None]] = {
    "chat": chat,
    "cached-and-reasoning": cached_and_reasoning,
    "stream": stream,
    "stream-without-usage": stream_without_usage,
    "tools": tools,
    "error": error,
    "retried": retried,
    "embeddings": embeddings,
    "images": images,
}


def finished(pool: ThreadPoolExecutor) -> None:
    """Callbacks run in LiteLLM's own threads, spans end there."""
    pool.shutdown(wait=True)
    provider: Any = trace.get_tracer_provider()
    getattr(provider, "force_flush", bool)()


if __name__ == "__main__":
    litellm.callbacks = [callback for callback in os.environ.get("GOLDEN_LITELLM", "").split(",") if callback]
    os.environ["OTEL_ENDPOINT"] = os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"]
    CASES[sys.argv[1]]()
    finished(executor)
