"""OpenLIT, Langfuse and MLflow around `openai`; MLflow around LangChain too."""

from tests.golden.source import PROGRAMS, Gap, Source, Start, programs
from tests.support.providers.openai import openai

OPENLIT = (
    "openlit==1.45.0", "openai==2.54.0", "httpx==0.28.1", "opentelemetry-sdk==1.45.1",
    "opentelemetry-semantic-conventions==0.66b1", "opentelemetry-instrumentation==0.66b1",
)  # fmt: skip
LANGFUSE = ("langfuse==5.0.4", "openai==3.54.0", "httpx==0.28.1")
MLFLOW = (
    "mlflow==3.17.2", "openai==3.54.0", "langchain==1.4.7", "langchain-openai==1.7.3", "httpx==0.28.1",
    "opentelemetry-exporter-otlp-proto-http==1.45.2",
)  # fmt: skip
CASES = (
    "chat", "cached-and-reasoning", "stream", "stream-without-usage", "tools", "error", "retried", "embeddings",
    "images", "responses", "responses-stream", "responses-tools",
)  # fmt: skip
KEYS = {"LANGFUSE_PUBLIC_KEY": "pk-lf-1", "LANGFUSE_SECRET_KEY": "sk-lf-1"}
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"}


NO_REASONING = (Gap(("reasoning_output_tokens",), "not read", ("cached-and-reasoning", "responses")),)


def mlflow(flavours: str, program: str, *cases: str, silent: tuple[Gap, ...] = ()) -> Source:
    """MLflow with some of its flavours, around a program."""
    started = {case: (str(PROGRAMS / "mlflow_app.py"), flavours, program, case) for case in cases}
    return Source(
        requirements=MLFLOW,
        programs=started,
        providers=(openai,),
        start=Start.PYTHON,
        environment=QUIET,
        silent=silent,
    )


SOURCES = {
    "openlit": Source(
        requirements=OPENLIT,
        programs=programs("openlit_app.py", *CASES),
        providers=(openai,),
        start=Start.PYTHON,
        silent=(
            Gap(("reasoning_output_tokens",), "read of responses, not of chat", ("cached-and-reasoning",)),
            Gap(("input_tokens", "output_tokens"), "pictures have no usage", ("images",)),
        ),
        wrong=(
            Gap(("input_tokens", "output_tokens"), "a guess, as if the API had said it", ("stream-without-usage",)),
        ),
    ),
    "langfuse": Source(
        requirements=LANGFUSE,
        programs=programs("langfuse_app.py", *CASES),
        providers=(openai,),
        start=Start.PYTHON,
        environment=KEYS,
    ),
    "mlflow-openai": mlflow("openai", "openai_sdk", *CASES),
    "mlflow-langchain": mlflow(
        "langchain",
        "langchain_app",
        *("chat", "cached-and-reasoning", "stream", "responses", "error", "chain", "agent"),
        silent=NO_REASONING,
    ),
    "nested/mlflow-langchain-openai": mlflow(
        "openai+langchain", "langchain_app", "chat", "stream", "responses", "embeddings", "retried", "agent"
    ),
}
