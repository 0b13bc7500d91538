"""A gateway that is instrumented itself: LiteLLM's proxy between the `openai` SDK and the API, in its trace."""

from tests.golden.source import INSTRUMENT, Source, programs
from tests.support.providers.openai import openai

REQUIREMENTS = (
    "litellm[proxy]==1.106.2", "openai==2.54.0", "httpx==0.28.1", "opentelemetry-instrumentation-openai==0.62.4",
    "opentelemetry-instrumentation-httpx==0.66b1", *INSTRUMENT,
)  # fmt: skip
ENVIRONMENT = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_TELEMETRY": "False",
    "OTEL_BSP_SCHEDULE_DELAY": "500",
    "OTEL_EXPORTER": "otlp_http",
}

SOURCES = {
    "nested/litellm-proxy-traceloop-openai": Source(
        requirements=REQUIREMENTS,
        programs=programs("gateway_app.py", "chat", "stream"),
        providers=(openai,),
        environment=ENVIRONMENT,
    )
}
