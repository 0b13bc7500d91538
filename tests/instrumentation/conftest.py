"""What the tests of instrumentations share: an instrumented `diffusers`, and the spans that it made."""

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from spanwand.instrumentation.diffusers import DiffusersInstrumentor

REASON = "torch is large: `make test-diffusers` installs it and runs these"
THREE = {"prompt": "a fox", "num_inference_steps": 3}


def said(span: Any) -> dict[str, Any]:
    """Attributes, by the last part of their keys for short."""
    return {key.removeprefix("diffusion.").removeprefix("gen_ai."): value for key, value in span.attributes.items()}


class Spans:
    """Takes spans of a tracer provider."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    def take(self) -> list[Any]:
        """Those that ended since the last time, in that order."""
        taken = list(self._exporter.get_finished_spans())
        self._exporter.clear()
        return taken

    def call(self) -> Any:
        """The one that has no parent, of those that ended since the last time."""
        (found,) = (span for span in self.take() if span.parent is None)
        return found


@pytest.fixture
def spans() -> Iterator[Spans]:
    taken = Spans()
    yield taken
    taken.provider.shutdown()


@pytest.fixture
def instrumented(spans: Spans) -> Iterator[Spans]:
    """What a watched `diffusers` makes."""
    DiffusersInstrumentor().instrument(tracer_provider=spans.provider, skip_dep_check=True)
    yield spans
    DiffusersInstrumentor().uninstrument()
