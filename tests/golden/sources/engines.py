"""Serving engines: they need a GPU, so these spans are made from documented attributes, not captured."""

from tests.golden.source import PROGRAMS, Gap, Source, Start
from tests.support.providers.openai import openai

REQUIREMENTS = ("opentelemetry-sdk==1.45.1", "opentelemetry-exporter-otlp-proto-http==1.45.1", "openai==3.54.0")


def documented(engine: str, where: str, *silent: Gap) -> Source:
    """The spans of an engine as its source code says."""
    script = str(PROGRAMS / "engine.py")
    return Source(
        requirements=REQUIREMENTS,
        programs={case: (script, engine, case) for case in ("chat", "cached")},
        providers=(openai,),
        start=Start.PYTHON,
        documented=where,
        silent=silent,
    )


SOURCES = {
    "vllm": documented(
        "vllm",
        "vLLM, V1 engine: vllm/v1/engine/output_processor.py",
        Gap(("model", "cached_input_tokens"), "not among the attributes"),
    ),
    "vllm-v0": documented(
        "vllm-v0",
        "vLLM, V0 engine: vllm/tracing.py",
        Gap(("cached_input_tokens",), "not among the attributes"),
    ),
    "sglang": documented("sglang", "SGLang 0.5: sglang/srt/observability"),
}
