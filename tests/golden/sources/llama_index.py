"""LlamaIndex's OpenAI integration under Traceloop's and OpenInference's instrumentations."""

from tests.golden.source import INSTRUMENT, Gap, Source, programs
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


NO_EMBEDDINGS = Gap(("input_tokens",), "not read of embeddings", ("embeddings",))
NO_REASONING = Gap(("reasoning_output_tokens",), "not read of responses", ("responses",))
ONLY_THE_CHAT = Gap(("input_tokens",), "not read of the embeddings, so the sum is that of the chat", ("query",))
TWO_STREAMS = Gap(
    ("calls",),
    "two traces, no usage and no response id; one span ends before the stream begins, so times do not tell either",
    ("stream-without-usage",),
)


def over_openai(*instrumentations: str, silent: tuple[Gap, ...] = (), wrong: tuple[Gap, ...] = ()) -> Source:
    """LlamaIndex and the SDK below it, both instrumented."""
    return Source(
        requirements=(*instrumentations, *LLAMA_INDEX),
        programs=NESTED,
        providers=(openai,),
        silent=silent,
        wrong=wrong,
    )


SOURCES = {
    "llama-index-traceloop": Source(
        requirements=(TRACELOOP, *LLAMA_INDEX),
        programs=CASES,
        providers=(openai,),
        silent=(NO_EMBEDDINGS, NO_REASONING),
    ),
    "llama-index-openinference": Source(
        requirements=(OPENINFERENCE, *LLAMA_INDEX),
        programs=CASES,
        providers=(openai,),
        silent=(NO_EMBEDDINGS, NO_REASONING),
    ),
    "nested/llama-index-openinference": Source(
        requirements=(OPENINFERENCE, *LLAMA_INDEX), programs=LOOPS, providers=(openai,), wrong=(ONLY_THE_CHAT,)
    ),
    "nested/llama-index-traceloop-openai": over_openai(
        TRACELOOP, TRACELOOP_OPENAI, silent=(NO_EMBEDDINGS,), wrong=(ONLY_THE_CHAT,)
    ),
    "nested/llama-index-openinference-openai": over_openai(OPENINFERENCE, OPENINFERENCE_OPENAI, wrong=(TWO_STREAMS,)),
    "nested/llama-index-openinference-traceloop": over_openai(OPENINFERENCE, TRACELOOP_OPENAI, wrong=(TWO_STREAMS,)),
}
