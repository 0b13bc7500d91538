"""OpenTelemetry's own instrumentation of `anthropic`, the spans which that SDK makes itself since 2.11, and both."""

from tests.golden.source import INSTRUMENT, Source, programs
from tests.support.providers.anthropic import anthropic

GENAI = ("opentelemetry-instrumentation-genai-anthropic==1.3b0", "opentelemetry-util-genai==1.3b0", *INSTRUMENT)
CASES = programs(
    "anthropic_sdk.py", "chat", "cached-and-reasoning", "cached-and-reasoning-stream", "stream", "stream-manager",
    "tools", "error", "throttled", "retried",
)  # fmt: skip
SDK_SILENT = {"ANTHROPIC_OPEN_TELEMETRY": "false"}

SOURCES = {
    "anthropic-sdk": Source(
        requirements=("anthropic==2.12.0", *INSTRUMENT),
        programs=CASES,
        providers=(anthropic,),
    ),
    "anthropic-sdk-content": Source(
        requirements=("anthropic==2.12.0", *INSTRUMENT),
        programs=programs("anthropic_sdk.py", "chat", "tools"),
        providers=(anthropic,),
        environment={"ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE": "content"},
    ),
    "genai-anthropic": Source(
        requirements=("anthropic==2.12.0", *GENAI),
        programs=CASES,
        providers=(anthropic,),
        environment=SDK_SILENT,
    ),
    "genai-anthropic-content": Source(
        requirements=("anthropic==2.12.0", *GENAI),
        programs=programs("anthropic_sdk.py", "chat", "cached-and-reasoning", "tools"),
        providers=(anthropic,),
        environment=SDK_SILENT | {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "span_only"},
    ),
    "genai-anthropic+sdk": Source(
        requirements=("anthropic==2.12.0", *GENAI),
        programs=programs("anthropic_sdk.py", "chat", "cached-and-reasoning-stream", "tools", "error"),
        providers=(anthropic,),
    ),
}
