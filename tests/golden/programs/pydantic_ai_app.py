"""The conversation through pydantic-ai. Run: `... CASE`; `GOLDEN_PYDANTIC_AI` is the version of its span format."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable
from typing import Any

from pydantic_ai import Agent, Embedder
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models.instrumented import InstrumentationSettings
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider

from tests.golden.programs.conversation import LONG_STORY, PROMPT, SYSTEM, TEXTS, TOOL_PROMPT, TOOL_RESULT
from tests.golden.programs.first_fails import async_http_client


def artist(model: str = "gpt-4o-mini", **settings: Any) -> Any:
    return Agent(OpenAIChatModel(model), name="artist", **settings)


def chat() -> None:
    settings = {"temperature": 0.5, "top_p": 0.9, "seed": 7, "max_tokens": 100}
    artist(system_prompt=SYSTEM).run_sync(PROMPT, model_settings=settings)


def cached_and_reasoning() -> None:
    artist("gpt-5-mini").run_sync(LONG_STORY)


async def streamed(settings: dict[str, Any]) -> None:
    async with artist(system_prompt=SYSTEM).run_stream(PROMPT, model_settings=settings) as run:
        async for _ in run.stream_text(debounce_by=None):
            pass


def stream() -> None:
    asyncio.run(streamed({}))


def responses() -> None:
    Agent(OpenAIResponsesModel("gpt-5-mini"), name="artist").run_sync("The fox climbs the wall.")


def embeddings() -> None:
    Embedder("openai:text-embedding-3-small").embed_documents_sync(TEXTS, settings={"dimensions": 8})


def error() -> None:
    with contextlib.suppress(ModelHTTPError):
        artist().run_sync(PROMPT, model_settings={"extra_headers": {"x-fail": "500"}})


def retried() -> None:
    """By the SDK below: two requests, one span."""
    provider = OpenAIProvider(http_client=async_http_client(429))
    Agent(OpenAIChatModel("gpt-4o-mini", provider=provider), name="artist").run_sync(PROMPT)


def weather(city: str) -> str:
    """Weather of a city"""
    return TOOL_RESULT if city else ""


def tools() -> None:
    artist(tools=[weather]).run_sync(TOOL_PROMPT)


async def handed_over() -> None:
    async def ask(city: str) -> str:
        """Ask the artist"""
        return str((await artist().run(f"Draw {city}.")).output)

    await Agent(OpenAIChatModel("gpt-4o-mini"), name="editor", tools=[ask]).run("Get a picture of the city.")


def agent_in_agent() -> None:
    """An agent that asks another one: its aggregate covers the other's calls as well."""
    asyncio.run(handed_over())


CASES: dict[str, Callable[[], None]] = {
    "chat": chat,
    "cached-and-reasoning": cached_and_reasoning,
    "stream": stream,
    "responses": responses,
    "embeddings": embeddings,
    "error": error,
    "retried": retried,
    "tools": tools,
    "agent-in-agent": agent_in_agent,
}

if __name__ == "__main__":
    if version := os.environ.get("GOLDEN_PYDANTIC_AI"):
        instrumentation: Any = InstrumentationSettings(version=int(version))
        Agent.instrument_all(instrumentation)
        Embedder.instrument_all(instrumentation)
    CASES[sys.argv[1]]()
