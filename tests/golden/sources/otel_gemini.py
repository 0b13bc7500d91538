"""OpenTelemetry's own instrumentation of `google-genai`, newest and the last before it moved."""

from tests.golden.source import INSTRUMENT, Gap, Source, programs
from tests.support.providers.gemini import gemini

GENAI = (
    "opentelemetry-instrumentation-google-genai==1.3b0", "opentelemetry-util-genai==1.3b0", "google-genai==2.34.0",
    *INSTRUMENT,
)  # fmt: skip
CASES = programs(
    "google_genai.py", "chat", "cached-and-reasoning", "cached-and-reasoning-stream", "stream", "tools",
    "automatic-tools", "error", "throttled", "embeddings", "images",
)  # fmt: skip

GENAI_OLD = (
    "opentelemetry-instrumentation-google-genai==0.7b2", "google-genai==2.34.0", *INSTRUMENT,
)  # fmt: skip
THOUGHTFUL = ("cached-and-reasoning", "cached-and-reasoning-stream")

SOURCES = {
    "gemini-0.7": Source(
        requirements=GENAI_OLD,
        programs=programs(
            "google_genai.py", "chat", "cached-and-reasoning", "cached-and-reasoning-stream", "stream", "tools", "error"
        ),
        providers=(gemini,),
        silent=(Gap(("cached_input_tokens", "reasoning_output_tokens"), "not read by this version", THOUGHTFUL),),
        wrong=(Gap(("output_tokens",), "without the thoughts, which nothing else tells", THOUGHTFUL),),
    ),
    "genai-gemini": Source(
        requirements=GENAI,
        programs=CASES,
        providers=(gemini,),
        unseen={"automatic-tools": "one span for both calls of the API, with the usage of the last"},
    ),
    "genai-gemini-content": Source(
        requirements=GENAI,
        programs=programs("google_genai.py", "chat", "stream", "tools"),
        providers=(gemini,),
        environment={"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "span_only"},
    ),
}
