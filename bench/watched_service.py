"""The service that bench/overhead.py watches makes comics. A panel is described by a model API, and drawn by a model.

    python bench/watched_service.py RECORDER MODEL AMOUNT

It says a line when it is ready. A line of its input is a number, and `settle` or not: it makes so many comics, ten at a
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

import thread_times
from watched_models import AT_ONCE, COMICS, MODELS, PANELS, STEPS, Draw, Spent

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
Comic = Callable[[int], object]


class Recorded(NamedTuple):
    """A comic, recorded in some way; and what hands over all that was recorded."""

    comic: Comic
    flush: Callable[[], object] = lambda: None


def plain(describe: Describe, draw: Draw) -> Recorded:
    """Nothing is recorded by the service itself."""

    def comic(_: int) -> None:
        for panel in range(PANELS):
            describe(panel)
            draw()

    return Recorded(comic)


def traced(describe: Describe, draw: Draw) -> Recorded:
    """A span for the comic; instrumentations make those of its calls."""
    tracer = trace.get_tracer("watched-service")
    provider: Any = trace.get_tracer_provider()
    make = plain(describe, draw).comic

    def comic(number: int) -> None:
        with tracer.start_as_current_span("make_comic"):
            make(number)

    def flush() -> None:
        """The SDK's own ends where its exporter begins."""
        provider.force_flush()
        for processor in provider._active_span_processor._span_processors:
            processor.span_exporter.force_flush()

    return Recorded(comic, flush)


def spanned(describe: Describe, draw: Draw) -> Recorded:
    """The same with a span of the service's own for each image: no instrumentation knows the model that draws."""
    tracer = trace.get_tracer("watched-service")

    def drawn() -> None:
        with tracer.start_as_current_span(f"image_generation {IMAGE_MODEL}", attributes=ATTRIBUTES):
            draw()

    return traced(describe, drawn)


def logged(describe: Describe, draw: Draw) -> Recorded:
    """`run.log` once per panel, by the thread that makes it."""
    run = importlib.import_module("wandb").init(project="overhead", mode="offline")

    def log_panel(panel: int) -> None:
        begun_s = time.perf_counter()
        usage = describe(panel).usage
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

    def comic(_: int) -> None:
        for panel in range(PANELS):
            log_panel(panel)

    return Recorded(comic)


def woven(describe: Describe, draw: Draw) -> Recorded:
    """An op for the comic and one for each image; Weave's own integration makes one for `openai`."""
    weave = importlib.import_module("weave")
    client = weave.init("bench/overhead")
    make = plain(describe, weave.op(draw, name="draw")).comic
    return Recorded(weave.op(make, name="make_comic"), client.flush)


RECORDERS: Mapping[str, Callable[[Describe, Draw], Recorded]] = {
    "plain": plain,
    "traced": traced,
    "spanned": spanned,
    "logged": logged,
    "woven": woven,
}


class Latency(NamedTuple):
    """How long a comic took, and how much of that was CPU time of its model."""

    wall_s: float
    model_s: float


def main() -> None:
    """Serve until the end of the input."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("recorder", choices=RECORDERS)
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("amount", type=int, help="of the model's work, as bench/watched_models.py says")
    options = parser.parse_args()
    spent = Spent()
    recorded = RECORDERS[options.recorder](describer(), MODELS[options.model].make(options.amount, spent))
    print("ready", flush=True)
    threads = thread_times.alive()
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix=COMICS) as pool:
        for line in sys.stdin:
            comics, *then = line.split()
            begun_s = time.perf_counter()
            latencies = list(pool.map(lambda number: latency(recorded.comic, number, spent), range(int(comics))))
            seconds = time.perf_counter() - begun_s
            if then:
                recorded.flush()
                gc.collect()
            wall_s, model_s = zip(*latencies, strict=True)
            before, threads = threads, thread_times.alive()
            threads_s = thread_times.by_name(before, threads)
            answer = {"wall_s": wall_s, "model_s": model_s, "seconds": seconds, "threads_s": threads_s}
            print(json.dumps(answer | {"cpu_s": time.process_time()}), flush=True)


def describer() -> Describe:
    """A call of the model API."""
    client = openai.OpenAI()

    def describe(panel: int) -> Any:
        prompt = f"Describe in one line: panel {panel}, the fox climbs the harbour wall at dawn."
        return client.chat.completions.create(model=CHAT_MODEL, messages=[{"role": "user", "content": prompt}])

    return describe


def latency(comic: Comic, number: int, spent: Spent) -> Latency:
    """How long a comic takes."""
    begun_s, spent.s = time.perf_counter(), 0.0
    comic(number)
    return Latency(time.perf_counter() - begun_s, spent.s)


if __name__ == "__main__":
    main()
