"""LangChain's `langchain-openai` under Traceloop's and OpenInference's instrumentations."""

from tests.golden.source import INSTRUMENT, Gap, Source, programs
from tests.support.providers.openai import openai

LANGCHAIN = ("langchain==1.4.7", "langchain-openai==1.7.3", "openai==3.54.0", "httpx==0.28.1", *INSTRUMENT)
TRACELOOP = "opentelemetry-instrumentation-langchain==0.62.4"
OPENINFERENCE = "openinference-instrumentation-langchain==0.1.80"
TRACELOOP_OPENAI = "opentelemetry-instrumentation-openai==0.62.4"
OPENINFERENCE_OPENAI = "openinference-instrumentation-openai==0.1.66"
CASES = programs(
    "langchain_app.py", "chat", "cached-and-reasoning", "stream", "stream-without-usage", "responses", "embeddings",
    "error", "retried", "fallback", "chain", "agent",
)  # fmt: skip
NESTED = programs(
    "langchain_app.py", "chat", "chat-in-request", "stream", "responses", "embeddings", "retried", "fallback", "agent",
)  # fmt: skip


def over_openai(*instrumentations: str) -> Source:
    """LangChain and the SDK below it, both instrumented: up to two spans for a call."""
    return Source(requirements=(*instrumentations, *LANGCHAIN), programs=NESTED, providers=(openai,))


SOURCES = {
    "langchain-traceloop": Source(
        requirements=(TRACELOOP, *LANGCHAIN),
        programs=CASES,
        providers=(openai,),
        silent=(Gap(("reasoning_output_tokens",), "not read", ("cached-and-reasoning", "responses")),),
    ),
    "langchain-openinference": Source(requirements=(OPENINFERENCE, *LANGCHAIN), programs=CASES, providers=(openai,)),
    "nested/langchain-traceloop": over_openai(TRACELOOP, TRACELOOP_OPENAI),
    "nested/langchain-openinference": over_openai(OPENINFERENCE, OPENINFERENCE_OPENAI),
    "nested/langchain-traceloop-openinference": over_openai(TRACELOOP, OPENINFERENCE_OPENAI),
    "nested/langchain-openinference-traceloop": over_openai(OPENINFERENCE, TRACELOOP_OPENAI),
}
