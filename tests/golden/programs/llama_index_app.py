"""The conversation through LlamaIndex's OpenAI integration; instrumentations are set up around it. Run: `... CASE`."""

import asyncio
import contextlib
import importlib
import os
import sys
from collections.abc import Callable
from typing import Any

import openai
from llama_index.core import Document, VectorStoreIndex
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage
from llama_index.embeddings.openai import OpenAIEmbedding
from llama_index.llms.openai import OpenAI, OpenAIResponses

from tests.golden.programs.conversation import LONG_STORY, PROMPT, SYSTEM, TEXTS, TOOL_PROMPT, TOOL_RESULT

SAID = [ChatMessage(role="system", content=SYSTEM), ChatMessage(role="user", content=PROMPT)]
API: dict[str, Any] = {"api_base": os.environ["OPENAI_BASE_URL"]}
EMBEDDINGS: dict[str, Any] = {"model": "text-embedding-3-small", "dimensions": 8, **API}


def chat() -> None:
    more = {"top_p": 0.9, "seed": 7}
    OpenAI(**API, model="gpt-4o-mini", temperature=0.5, max_tokens=100, additional_kwargs=more).chat(SAID)


def cached_and_reasoning() -> None:
    OpenAI(**API, model="gpt-5-mini").chat([ChatMessage(role="user", content=LONG_STORY)])


def stream() -> None:
    with_usage = {"stream_options": {"include_usage": True}}
    for _ in OpenAI(**API, model="gpt-4o-mini", additional_kwargs=with_usage).stream_chat(SAID):
        pass


def stream_without_usage() -> None:
    for _ in OpenAI(**API, model="gpt-4o-mini").stream_chat(SAID):
        pass


def responses() -> None:
    OpenAIResponses(**API, model="gpt-5-mini").chat([ChatMessage(role="user", content="The fox climbs the wall.")])


def embeddings() -> None:
    OpenAIEmbedding(**EMBEDDINGS).get_text_embedding_batch(TEXTS)


def error() -> None:
    with contextlib.suppress(openai.APIError):
        OpenAI(**API, model="gpt-4o-mini", default_headers={"x-fail": "500"}, max_retries=0).chat(SAID)


def retried() -> None:
    OpenAI(**API, model="gpt-4o-mini", default_headers={"x-fail": "429x1"}).chat(SAID)


def weather(city: str) -> str:
    """Weather of a city"""
    return TOOL_RESULT if city else ""


async def ask_agent() -> None:
    await FunctionAgent(tools=[weather], llm=OpenAI(**API, model="gpt-4o-mini"), streaming=False).run(TOOL_PROMPT)


def agent() -> None:
    asyncio.run(ask_agent())


def query() -> None:
    """Retrieval: two embeddings calls and a chat, with the chunks that were found."""
    documents = [Document(text=text, id_=f"doc-{place}") for place, text in enumerate(TEXTS)]
    index = VectorStoreIndex.from_documents(documents, embed_model=OpenAIEmbedding(**EMBEDDINGS))
    index.as_query_engine(llm=OpenAI(**API, model="gpt-4o-mini"), similarity_top_k=1).query("What does the fox do?")


CASES: dict[str, Callable[[], None]] = {
    "chat": chat,
    "cached-and-reasoning": cached_and_reasoning,
    "stream": stream,
    "stream-without-usage": stream_without_usage,
    "responses": responses,
    "embeddings": embeddings,
    "error": error,
    "retried": retried,
    "agent": agent,
    "query": query,
}

INSTRUMENTORS = ("opentelemetry.instrumentation.llamaindex", "openinference.instrumentation.llama_index")


def instrument() -> None:
    """Set up what is installed: `opentelemetry-instrument` alone leaves LlamaIndex without spans."""
    for module in INSTRUMENTORS:
        with contextlib.suppress(ImportError):
            importlib.import_module(module).LlamaIndexInstrumentor().instrument(skip_dep_check=True)


if __name__ == "__main__":
    instrument()
    CASES[sys.argv[1]]()
