"""LlamaIndex's OpenAI integration under Traceloop's and OpenInference's instrumentations."""

from tests.golden.source import INSTRUMENT, Source, programs
from tests.support.providers.openai import openai

LLAMA_INDEX = (
    "llama-index-core==0.14.25", "llama-index-llms-openai==0.8.3", "llama-index-embeddings-openai==0.7.0",
    "openai==2.54.0", "httpx==0.28.1", *INSTRUMENT,
)  # fmt: skip
TRACELOOP = "opentelemetry-instrumentation-llamaindex==0.62.4"
OPENINFERENCE = "openinference-instrumentation-llama-index==4.6.1"
TRACELOOP_OPENAI = "opentelemetry-instrumentation-openai==0.62.4"
OPENINFERENCE_OPENAI = "openinference-instrumentation-openai==0.1.66"
CASES = programs(
    "llama_index_app.py", "chat", "cached-and-reasoning", "stream", "stream-without-usage", "responses", "embeddings",
    "error", "retried",
)  # fmt: skip
LOOPS = programs("llama_index_app.py", "agent", "query")
NESTED = CASES | LOOPS


def over_openai(*instrumentations: str) -> Source:
    """LlamaIndex and the SDK below it, both instrumented."""
    return Source(requirements=(*instrumentations, *LLAMA_INDEX), programs=NESTED, providers=(openai,))


SOURCES = {
    "llama-index-traceloop": Source(requirements=(TRACELOOP, *LLAMA_INDEX), programs=CASES, providers=(openai,)),
    "llama-index-openinference": Source(
        requirements=(OPENINFERENCE, *LLAMA_INDEX), programs=CASES, providers=(openai,)
    ),
    "nested/llama-index-openinference": Source(
        requirements=(OPENINFERENCE, *LLAMA_INDEX), programs=LOOPS, providers=(openai,)
    ),
    "nested/llama-index-traceloop-openai": over_openai(TRACELOOP, TRACELOOP_OPENAI),
    "nested/llama-index-openinference-openai": over_openai(OPENINFERENCE, OPENINFERENCE_OPENAI),
    "nested/llama-index-openinference-traceloop": over_openai(OPENINFERENCE, TRACELOOP_OPENAI),
}
