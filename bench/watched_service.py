"""The service that bench/overhead.py watches: a panel is described by a model API, then drawn by a model of its own.

    python bench/watched_service.py RECORDER MODEL AMOUNT

It says a line when it is ready. A line of its input is a number, and `settle` or not: it makes so many panels, ten at a
time, and answers with a line of JSON. If it is to settle it hands over what was recorded, and collects garbage: what
was imported by now is so much that it takes longer than some turns.
"""

import argparse
import gc
import importlib
import json
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import openai
from opentelemetry import trace

from watched_models import AT_ONCE, MODELS, STEPS, Draw

CHAT_MODEL, IMAGE_MODEL = "gpt-4o-mini", "sd3.5-large"
ATTRIBUTES: dict[str, str | int | float] = {
    "gen_ai.operation.name": "image_generation",
    "gen_ai.provider.name": "stability",
    "gen_ai.request.model": IMAGE_MODEL,
    "diffusion.steps": STEPS,
    "diffusion.guidance_scale": 4.5,
    "diffusion.scheduler": "flow_match_euler",
    "diffusion.width": 1024,
    "diffusion.height": 1024,
    "diffusion.image_count": 1,
}

Describe = Callable[[int], Any]


class Recorded(NamedTuple):
    """A panel's two calls, recorded in some way; and what hands over all that was recorded."""

    panel: Callable[[int], object]
    flush: Callable[[], object] = lambda: None


def plain(describe: Describe, draw: Draw) -> Recorded:
    """Nothing is recorded by the service itself."""

    def panel(number: int) -> None:
        describe(number)
        draw()

    return Recorded(panel)


def traced(describe: Describe, draw: Draw) -> Recorded:
    """A span for the panel; instrumentations make those of its calls."""
    tracer = trace.get_tracer("watched-service")
    provider: Any = trace.get_tracer_provider()

    def panel(number: int) -> None:
        with tracer.start_as_current_span("make_panel"):
            describe(number)
            draw()

    def flush() -> None:
        """The SDK's own ends where its exporter begins."""
        provider.force_flush()
        for processor in provider._active_span_processor._span_processors:
            processor.span_exporter.force_flush()

    return Recorded(panel, flush)


def spanned(describe: Describe, draw: Draw) -> Recorded:
    """The same with a span of the service's own for the image: no instrumentation knows the model that draws."""
    tracer = trace.get_tracer("watched-service")

    def drawn() -> None:
        with tracer.start_as_current_span(f"image_generation {IMAGE_MODEL}", attributes=ATTRIBUTES):
            draw()

    return traced(describe, drawn)


def logged(describe: Describe, draw: Draw) -> Recorded:
    """`run.log` once per panel, by the thread that serves it."""
    run = importlib.import_module("wandb").init(project="overhead", mode="offline")

    def panel(number: int) -> None:
        begun_s = time.perf_counter()
        usage = describe(number).usage
        described_s = time.perf_counter()
        draw()
        run.log(
            {
                "llm/input_tokens": usage.prompt_tokens,
                "llm/output_tokens": usage.completion_tokens,
                "llm/latency_s": described_s - begun_s,
                "diffusion/latency_s": time.perf_counter() - described_s,
                "diffusion/steps": STEPS,
            }
        )

    return Recorded(panel)


def woven(describe: Describe, draw: Draw) -> Recorded:
    """An op for the panel and one for the image; Weave's own integration makes one for `openai`."""
    weave = importlib.import_module("weave")
    client = weave.init("bench/overhead")
    drawn = weave.op(draw, name="draw")

    def panel(number: int) -> None:
        describe(number)
        drawn()

    return Recorded(weave.op(panel, name="make_panel"), client.flush)


RECORDERS: Mapping[str, Callable[[Describe, Draw], Recorded]] = {
    "plain": plain,
    "traced": traced,
    "spanned": spanned,
    "logged": logged,
    "woven": woven,
}


class Latency(NamedTuple):
    """How long a call took: on the wall's clock, and on the service's own, which is its CPU time."""

    wall_s: float
    own_s: float


def main() -> None:
    """Serve until the end of the input."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("recorder", choices=RECORDERS)
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("amount", type=int, help="of the model's work, as bench/watched_models.py says")
    options = parser.parse_args()
    spent_s: list[float] = []
    recorded = RECORDERS[options.recorder](describer(), MODELS[options.model].make(options.amount, spent_s))
    print("ready", flush=True)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for line in sys.stdin:
            panels, *then = line.split()
            begun_s = time.perf_counter()
            latencies = list(pool.map(lambda number: latency(recorded.panel, number), range(int(panels))))
            seconds = time.perf_counter() - begun_s
            if then:
                recorded.flush()
                gc.collect()
            wall_s, own_s = zip(*latencies, strict=True)
            answer = {"wall_s": wall_s, "own_s": own_s, "seconds": seconds, "model_cpu_s": sum(spent_s)}
            spent_s.clear()
            print(json.dumps(answer | {"cpu_s": time.process_time()}), flush=True)


def describer() -> Describe:
    """A call of the model API."""
    client = openai.OpenAI()

    def describe(number: int) -> Any:
        prompt = f"Describe in one line: panel {number}, the fox climbs the harbour wall at dawn."
        return client.chat.completions.create(model=CHAT_MODEL, messages=[{"role": "user", "content": prompt}])

    return describe


def latency(call: Callable[[int], object], number: int) -> Latency:
    """How long a call takes."""
    wall_s, own_s = time.perf_counter(), time.process_time()
    call(number)
    return Latency(time.perf_counter() - wall_s, time.process_time() - own_s)


if __name__ == "__main__":
    main()
