"""Packages of npm: the Vercel AI SDK, and three instrumentations of `openai` for JavaScript."""

from tests.golden.source import PROGRAMS, Gap, Source, Start, programs
from tests.support.providers.openai import openai

OTEL = (
    "@opentelemetry/api==1.9.1", "@opentelemetry/core==2.0.1", "@opentelemetry/resources==2.0.1",
    "@opentelemetry/sdk-trace-base==2.0.1", "@opentelemetry/sdk-trace-node==2.0.1",
    "@opentelemetry/exporter-trace-otlp-proto==0.203.0", "@opentelemetry/exporter-trace-otlp-http==0.203.0",
    "@opentelemetry/instrumentation==0.203.0",
)  # fmt: skip
OPENAI = (
    "openai==7.57.0", "@traceloop/instrumentation-openai==0.27.0",
    "@arizeai/openinference-instrumentation-openai==4.2.7", "@langfuse/otel==5.11.1", "@langfuse/openai==5.11.1",
    "@langfuse/tracing==5.11.1", *OTEL,
)  # fmt: skip
OPENAI_CASES = (
    "chat", "cached-and-reasoning", "cached-and-reasoning-stream", "stream", "stream-without-usage", "tools", "error",
    "throttled", "embeddings", "images", "responses", "responses-stream",
)  # fmt: skip
VERCEL_CASES = programs(
    "vercel.mjs", "chat", "cached-and-reasoning", "cached-and-reasoning-stream", "stream", "tools", "error",
    "embeddings", "images",
)  # fmt: skip
VERCEL_4 = ("ai==4.3.19", "@ai-sdk/openai==1.3.24", "zod==3.25.76", *OTEL)
VERCEL_5 = ("ai==5.0.277", "@ai-sdk/openai==2.0.130", "zod==4.1.0", *OTEL)
VERCEL_7 = ("ai==7.0.173", "@ai-sdk/openai==4.0.118", "@ai-sdk/otel==1.0.173", "zod==4.1.0", *OTEL)


STREAMS = ("stream", "cached-and-reasoning-stream", "responses-stream")
CACHED = ("cached-and-reasoning", "cached-and-reasoning-stream")
ALL = ("input_tokens", "output_tokens", "cached_input_tokens", "reasoning_output_tokens")


def instrumented(name: str, *silent: Gap, wrong: tuple[Gap, ...] = (), cases: tuple[str, ...] = OPENAI_CASES) -> Source:
    """The `openai` package of npm under one instrumentation."""
    script = str(PROGRAMS / "openai_js.mjs")
    return Source(
        requirements=OPENAI,
        programs={case: (script, name, case) for case in cases},
        providers=(openai,),
        start=Start.NODE,
        silent=silent,
        wrong=wrong,
    )


def vercel(requirements: tuple[str, ...], *silent: Gap, **environment: str) -> Source:
    """The AI SDK at one version."""
    return Source(
        requirements=requirements,
        programs=VERCEL_CASES,
        providers=(openai,),
        start=Start.NODE,
        environment=environment,
        silent=silent,
    )


SOURCES = {
    "traceloop-js-openai": instrumented(
        "traceloop",
        Gap(ALL, "no usage of streams: `enrichTokens` would guess it, and is off by default", STREAMS),
        Gap(("cached_input_tokens", "reasoning_output_tokens"), "not read", (*CACHED, "responses")),
        Gap(("input_tokens",), "not read of images", ("images",)),
        wrong=(Gap(("output_tokens",), "guessed from the size of the image, although the API said it", ("images",)),),
    ),
    "traceloop-js-openai-enriched": instrumented(
        "traceloop-enriched",
        wrong=(Gap(("input_tokens", "output_tokens"), "guessed by a tokenizer, although the API said it"),),
        cases=STREAMS[:1],
    ),
    "openinference-js-openai": instrumented(
        "openinference",
        Gap(ALL, "no usage of chat streams", STREAMS[:2]),
        Gap(("input_tokens",), "not read of embeddings", ("embeddings",)),
    ),
    "langfuse-js-openai": instrumented(
        "langfuse",
        Gap(("input_tokens",), "not read of embeddings", ("embeddings",)),
    ),
    "vercel-4": vercel(VERCEL_4),
    "vercel-5": vercel(
        VERCEL_5,
        Gap(("cached_input_tokens", "reasoning_output_tokens"), "written for streams only", CACHED[:1]),
    ),
    "vercel-7": vercel(VERCEL_7, Gap(("reasoning_output_tokens",), "not written by @ai-sdk/otel", CACHED)),
    "vercel-7-chat-legacy": vercel(VERCEL_7, AI_SDK_LEGACY="true", AI_SDK_API="chat"),
}
