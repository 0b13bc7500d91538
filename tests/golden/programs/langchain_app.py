"""The conversation through LangChain's OpenAI integration; instrumentations are set up around it. Run: `... CASE`."""

import contextlib
import sys
from collections.abc import Callable

import openai
from langchain.agents import create_agent
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from opentelemetry import trace

from tests.golden.programs.conversation import LONG_STORY, PROMPT, SYSTEM, TEXTS, TOOL_PROMPT, TOOL_RESULT
from tests.golden.programs.first_fails import http_client

SAID = [("system", SYSTEM), ("user", PROMPT)]


def chat() -> None:
    ChatOpenAI(model="gpt-4o-mini", temperature=0.5, top_p=0.9, seed=7, max_completion_tokens=100).invoke(SAID)


def cached_and_reasoning() -> None:
    ChatOpenAI(model="gpt-5-mini").invoke([("user", LONG_STORY)])


def stream() -> None:
    for _ in ChatOpenAI(model="gpt-4o-mini", stream_usage=True).stream(SAID):
        pass


def stream_without_usage() -> None:
    for _ in ChatOpenAI(model="gpt-4o-mini", stream_usage=False).stream(SAID):
        pass


def responses() -> None:
    ChatOpenAI(model="gpt-5-mini", use_responses_api=True).invoke("The fox climbs the wall.")


def embeddings() -> None:
    model = OpenAIEmbeddings(model="text-embedding-3-small", dimensions=8, check_embedding_ctx_length=False)
    model.embed_documents(TEXTS)


def error() -> None:
    with contextlib.suppress(openai.APIError):
        ChatOpenAI(model="gpt-4o-mini", default_headers={"x-fail": "500"}).invoke(SAID)


def retried() -> None:
    """By the chain, not by the SDK: two runs of the model in one trace, the first failed."""
    model = ChatOpenAI(model="gpt-4o-mini", max_retries=0, http_client=http_client(429))
    model.with_retry(wait_exponential_jitter=False).invoke(SAID)


def fallback() -> None:
    """Another model answers in place of the one that failed."""
    first = ChatOpenAI(model="gpt-4o", max_retries=0, default_headers={"x-fail": "500"})
    first.with_fallbacks([ChatOpenAI(model="gpt-4o-mini")]).invoke(SAID)


def chain() -> None:
    prompt = ChatPromptTemplate.from_messages([("system", SYSTEM), ("user", "{said}")])
    (prompt | ChatOpenAI(model="gpt-4o-mini") | StrOutputParser()).invoke({"said": PROMPT})


def weather(city: str) -> str:
    """Weather of a city"""
    return TOOL_RESULT if city else ""


def agent() -> None:
    forecaster = create_agent(ChatOpenAI(model="gpt-4o-mini"), [tool(weather)], name="forecaster")
    forecaster.invoke({"messages": [("user", TOOL_PROMPT)]})


def chat_in_request() -> None:
    """As in a service: every span has the span of the app's own request above it."""
    with trace.get_tracer("app").start_as_current_span("POST /comics"):
        chat()


CASES: dict[str, Callable[[], None]] = {
    "chat": chat,
    "cached-and-reasoning": cached_and_reasoning,
    "stream": stream,
    "stream-without-usage": stream_without_usage,
    "responses": responses,
    "embeddings": embeddings,
    "error": error,
    "retried": retried,
    "fallback": fallback,
    "chain": chain,
    "agent": agent,
    "chat-in-request": chat_in_request,
}

if __name__ == "__main__":
    CASES[sys.argv[1]]()
