"""LiteLLM with its own OpenTelemetry callback, alone and over the `openai` SDK that is instrumented as well."""

from tests.golden.source import INSTRUMENT, Source, programs
from tests.support.providers.openai import openai

LITELLM = ("litellm==1.106.2", "mcp==2.3.0", "openai==2.54.0", "httpx==0.28.1", *INSTRUMENT)
OPENINFERENCE = "openinference-instrumentation-litellm==0.1.51"
TRACELOOP_OPENAI = "opentelemetry-instrumentation-openai==0.62.4"
OPENINFERENCE_OPENAI = "openinference-instrumentation-openai==0.1.66"
CASES = (
    "chat", "cached-and-reasoning", "stream", "stream-without-usage", "tools", "error", "retried", "embeddings",
    "images",
)  # fmt: skip
NESTED = ("chat", "stream", "tools", "retried", "embeddings")
QUIET = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False"}
CALLBACK = {**QUIET, "GOLDEN_LITELLM": "otel", "OTEL_EXPORTER": "otlp_http"}


def litellm(environment: dict[str, str], cases: tuple[str, ...], *instrumentations: str) -> Source:
    """LiteLLM with its callback or without, below any instrumentations."""
    return Source(
        requirements=(*instrumentations, *LITELLM),
        programs=programs("litellm_app.py", *cases),
        providers=(openai,),
        environment=environment,
    )


SOURCES = {
    "litellm": litellm(CALLBACK, CASES),
    "litellm-openinference": litellm(QUIET, CASES, OPENINFERENCE),
    "nested/litellm-traceloop-openai": litellm(CALLBACK, NESTED, TRACELOOP_OPENAI),
    "nested/litellm-openinference-openai": litellm(CALLBACK, NESTED, OPENINFERENCE_OPENAI),
}
