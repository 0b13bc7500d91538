"""OpenLLMetry: Traceloop's instrumentations of `openai`, `anthropic` and `google-genai`, and one of a year before."""

from tests.golden.source import INSTRUMENT, Gap, Source, programs
from tests.support.providers.anthropic import anthropic
from tests.support.providers.gemini import gemini
from tests.support.providers.openai import openai

OPENAI = ("opentelemetry-instrumentation-openai==0.62.4", "openai==3.54.0", *INSTRUMENT)
OPENAI_OLD = ("opentelemetry-instrumentation-openai==0.40.14", "openai==1.109.1", *INSTRUMENT)
ANTHROPIC = ("opentelemetry-instrumentation-anthropic==0.62.4", "anthropic==2.12.0", *INSTRUMENT)
ANTHROPIC_OLD = ("opentelemetry-instrumentation-anthropic==0.40.14", "anthropic==0.69.0", *INSTRUMENT)
GEMINI = ("opentelemetry-instrumentation-google-generativeai==0.62.4", "google-genai==3.4.0", *INSTRUMENT)
OPENAI_CASES = programs(
    "openai_sdk.py", "chat", "cached-and-reasoning", "cached-and-reasoning-stream", "stream", "stream-without-usage",
    "tools", "error", "throttled", "retried", "embeddings", "images", "responses", "responses-stream",
    "responses-tools",
)  # fmt: skip
ANTHROPIC_CASES = programs(
    "anthropic_sdk.py", "chat", "cached-and-reasoning", "cached-and-reasoning-stream", "stream", "stream-manager",
    "tools", "error",
)  # fmt: skip
GEMINI_CASES = programs(
    "google_genai.py", "chat", "cached-and-reasoning", "cached-and-reasoning-stream", "stream", "tools",
    "automatic-tools", "error", "embeddings", "images",
)  # fmt: skip
NO_CONTENT = {"TRACELOOP_TRACE_CONTENT": "false"}
SDK_SILENT = {"ANTHROPIC_OPEN_TELEMETRY": "false"}
ALL_BUT_REASONING = ("input_tokens", "output_tokens", "cached_input_tokens", "cache_write_input_tokens")
NO_REASONING_OF_STREAMS = Gap(
    ("reasoning_output_tokens",), "read of whole answers only, not of streams", ("cached-and-reasoning-stream",)
)
ONE_TOO_MANY = Gap(
    ("output_tokens",),
    "adds the 1 of message_start to the total of message_delta",
    ("stream", "stream-manager", "cached-and-reasoning-stream"),
)

SOURCES = {
    "traceloop-openai": Source(
        requirements=OPENAI, programs=OPENAI_CASES, providers=(openai,), silent=(NO_REASONING_OF_STREAMS,)
    ),
    "traceloop-openai-no-content": Source(
        requirements=OPENAI,
        programs=programs("openai_sdk.py", "chat", "stream", "tools"),
        providers=(openai,),
        environment=NO_CONTENT,
    ),
    "traceloop-openai-0.40": Source(
        requirements=OPENAI_OLD,
        programs=OPENAI_CASES,
        providers=(openai,),
        silent=(
            Gap(("reasoning_output_tokens",), "not read by this version"),
            Gap(
                ALL_BUT_REASONING,
                "the last chunk of a stream, which has the usage, is not read",
                ("stream", "cached-and-reasoning-stream"),
            ),
        ),
    ),
    "traceloop-anthropic": Source(
        requirements=ANTHROPIC,
        programs=ANTHROPIC_CASES,
        providers=(anthropic,),
        environment=SDK_SILENT,
        silent=(
            Gap(("reasoning_output_tokens",), "not read", ("cached-and-reasoning", "cached-and-reasoning-stream")),
        ),
        wrong=(ONE_TOO_MANY,),
    ),
    "traceloop-anthropic+sdk": Source(
        requirements=ANTHROPIC,
        programs=programs("anthropic_sdk.py", "chat", "cached-and-reasoning-stream", "tools", "error"),
        providers=(anthropic,),
    ),
    "traceloop-anthropic-0.40": Source(
        requirements=ANTHROPIC_OLD,
        programs=ANTHROPIC_CASES,
        providers=(anthropic,),
        silent=(
            Gap(("reasoning_output_tokens",), "not read by this version"),
            Gap(ALL_BUT_REASONING, "no usage of streams", ("stream", "stream-manager", "cached-and-reasoning-stream")),
        ),
    ),
    "traceloop-gemini": Source(
        requirements=GEMINI,
        programs=GEMINI_CASES,
        providers=(gemini,),
        unseen={"automatic-tools": "one span for both calls of the API, with the usage of the last"},
    ),
}
