"""What watching a pipeline of `diffusers` costs: `.venv-torch/bin/python bench/diffusers_overhead.py`.

A pipeline with the parts of Stable Diffusion that computes nothing: all that differs between a watched and a plain call
is the watching. They take turns of some calls, the first uncounted, and what is measured is the calling thread's time
on a core; the spans go to a batch processor whose exporter drops them. In a service that computes between its calls the
caches are cold, and the same takes longer: `bench/overhead.py`. Needs torch and diffusers: `make test-diffusers`
installs them.
"""

import statistics
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import diffusers
import torch
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.instrumentation import tiny

from spanwand.instrumentation.diffusers import DiffusersInstrumentor

ROUNDS = 100
CALLS = 10
STEPS = 1_000
CPU = torch.device("cpu")


class Nowhere(SpanExporter):
    """Drops spans."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:  # noqa: ARG002  the interface's name
        """Say that all is well."""
        return SpanExportResult.SUCCESS


class Idle(diffusers.StableDiffusionPipeline):  # type: ignore[misc]  # there only where torch is
    """Phases that do nothing."""

    @property
    def _execution_device(self) -> Any:
        """Known: diffusers looks through all modules for it, which would drown what is measured."""
        return CPU

    def __call__(self, num_inference_steps: int, **_asked: Any) -> Any:
        """Go through all phases, as every pipeline does."""
        assert self._execution_device is CPU
        self.encode_prompt()
        for _ in self.progress_bar(range(num_inference_steps)):
            pass
        return [], None

    def encode_prompt(self) -> None:
        """Encode nothing."""

    def progress_bar(self, iterable: Iterable[int]) -> Iterable[int]:
        """Show nothing."""
        return iterable


def duration_s(pipeline: Any, steps: int) -> float:
    """Of a call, on a core: the median of some."""
    durations_s = []
    for _ in range(1 + CALLS):
        start_s = time.thread_time()
        pipeline(prompt="a fox", guidance_scale=7.5, num_inference_steps=steps)
        durations_s.append(time.thread_time() - start_s)
    return statistics.median(durations_s[1:])


def added_s(pipeline: Any, instrumentor: Any, provider: TracerProvider, steps: int) -> float:
    """Median difference between watched calls and the plain ones beside them."""
    differences_s = []
    for _ in range(ROUNDS):
        plain_s = duration_s(pipeline, steps)
        instrumentor.instrument(tracer_provider=provider, skip_dep_check=True)
        differences_s.append(duration_s(pipeline, steps) - plain_s)
        instrumentor.uninstrument()
    return statistics.median(differences_s)


def main() -> None:
    """Print what a call and a step cost more."""
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Nowhere()))
    pipeline, instrumentor = tiny.stable_diffusion(Idle), DiffusersInstrumentor()
    call_s = added_s(pipeline, instrumentor, provider, 1)
    steps_s = added_s(pipeline, instrumentor, provider, STEPS)
    print(f"a call:  {call_s * 1e6:8.0f} us more")
    print(f"a step:  {(steps_s - call_s) / (STEPS - 1) * 1e6:8.2f} us more")
    provider.shutdown()


if __name__ == "__main__":
    main()
