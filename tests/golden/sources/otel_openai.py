"""OpenTelemetry's own instrumentations of `openai`, and the demo's comic, which uses the newer one."""

from spanwand_sidecar.demo import comic
from tests.golden.source import INSTRUMENT, Gap, Source, programs
from tests.support.providers.openai import openai

OPENAI_V2 = (
    "opentelemetry-instrumentation-openai-v2==2.4b0", "opentelemetry-util-genai==0.4b0", "openai==2.54.0", *INSTRUMENT,
)  # fmt: skip
GENAI_OPENAI = (
    "opentelemetry-instrumentation-genai-openai==1.3b0", "opentelemetry-util-genai==1.3b0", "openai==3.52.0",
    *INSTRUMENT, "opentelemetry-processor-baggage==0.66b1",
)  # fmt: skip
CASES = programs(
    "openai_sdk.py", "chat", "cached-and-reasoning", "cached-and-reasoning-stream", "stream", "stream-without-usage",
    "tools", "error", "wrong-key", "throttled", "retried", "embeddings", "responses", "responses-stream",
    "responses-tools", "images",
)  # fmt: skip
NO_DETAILS = (Gap(("cached_input_tokens", "reasoning_output_tokens"), "openai-v2 does not read the usage's details"),)

SOURCES = {
    "openai-v2": Source(requirements=OPENAI_V2, programs=CASES, providers=(openai,), silent=NO_DETAILS),
    "openai-v2-latest": Source(
        requirements=OPENAI_V2,
        programs=CASES,
        providers=(openai,),
        environment={"OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental"},
        silent=NO_DETAILS,
    ),
    "genai-openai": Source(requirements=GENAI_OPENAI, programs=CASES, providers=(openai,)),
    "genai-openai-content": Source(
        requirements=GENAI_OPENAI,
        programs=programs("openai_sdk.py", "chat", "stream", "tools", "responses"),
        providers=(openai,),
        environment={"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "span_only"},
    ),
    "comic": Source(
        requirements=GENAI_OPENAI,
        programs={"one-picture-refused": (comic.__file__, "--first", "3", "--comics", "1")},
        providers=(openai,),
    ),
}
