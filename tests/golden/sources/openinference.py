"""OpenInference: Arize's instrumentations of `openai`, `anthropic` and `google-genai`, and one of a year before."""

from tests.golden.source import INSTRUMENT, Gap, Source, programs
from tests.support.providers.anthropic import anthropic
from tests.support.providers.gemini import gemini
from tests.support.providers.openai import openai

OPENAI = ("openinference-instrumentation-openai==0.1.66", "openai==3.54.0", *INSTRUMENT)
OPENAI_OLD = ("openinference-instrumentation-openai==0.1.30", "openai==1.109.1", "wrapt==1.17.3", *INSTRUMENT)
ANTHROPIC = ("openinference-instrumentation-anthropic==3.1.0", "anthropic==2.12.0", *INSTRUMENT)
GEMINI = ("openinference-instrumentation-google-genai==1.4.14", "google-genai==3.4.0", *INSTRUMENT)
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
NO_CONTENT = {"OPENINFERENCE_HIDE_INPUTS": "true", "OPENINFERENCE_HIDE_OUTPUTS": "true"}
SDK_SILENT = {"ANTHROPIC_OPEN_TELEMETRY": "false"}

SOURCES = {
    "openinference-openai": Source(requirements=OPENAI, programs=OPENAI_CASES, providers=(openai,)),
    "openinference-openai-no-content": Source(
        requirements=OPENAI,
        programs=programs("openai_sdk.py", "chat", "stream", "tools", "responses"),
        providers=(openai,),
        environment=NO_CONTENT,
    ),
    "openinference-openai+genai": Source(
        requirements=OPENAI,
        programs=programs("openai_sdk.py", "chat", "cached-and-reasoning-stream", "tools", "responses", "embeddings"),
        providers=(openai,),
        environment={"OPENINFERENCE_ENABLE_GENAI_SEMCONV": "true"},
    ),
    "openinference-openai-0.1.30": Source(requirements=OPENAI_OLD, programs=OPENAI_CASES, providers=(openai,)),
    "openinference-anthropic": Source(
        requirements=ANTHROPIC, programs=ANTHROPIC_CASES, providers=(anthropic,), environment=SDK_SILENT
    ),
    "openinference-anthropic+sdk": Source(
        requirements=ANTHROPIC,
        programs=programs(
            "anthropic_sdk.py", "chat", "cached-and-reasoning-stream", "stream-manager", "tools", "error"
        ),
        providers=(anthropic,),
    ),
    "openinference-gemini": Source(
        requirements=GEMINI,
        programs=GEMINI_CASES,
        providers=(gemini,),
        silent=(Gap(("input_tokens",), "not read of embeddings", ("embeddings",)),),
        unseen={"automatic-tools": "one span for both calls of the API, with the usage of the last"},
    ),
}
