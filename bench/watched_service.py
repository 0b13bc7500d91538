"""The service that bench/overhead.py watches: a panel is described by a model API, then drawn in steps.

    python bench/watched_service.py RECORDER --iterations N

A line of its input is a number, and `flush` or not: it makes so many panels, ten at a time, hands over what was
recorded if it is to, and answers with a line of JSON. What stands for the model that draws is arithmetic without the
interpreter lock, as kernels are: the same amount for each panel.
"""

import argparse
import hashlib
import importlib
import json
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import openai
from opentelemetry import trace

AT_ONCE = 10
STEPS = 28
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
Draw = Callable[[], None]


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
    """A span for the panel and one for the image; the instrumentation of `openai` makes the third."""
    tracer = trace.get_tracer("watched-service")
    provider: Any = trace.get_tracer_provider()

    def panel(number: int) -> None:
        with tracer.start_as_current_span("make_panel"):
            describe(number)
            with tracer.start_as_current_span(f"image_generation {IMAGE_MODEL}", attributes=ATTRIBUTES):
                draw()

    return Recorded(panel, provider.force_flush)


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
    "logged": logged,
    "woven": woven,
}


def main() -> None:
    """Serve until the end of the input."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("recorder", choices=RECORDERS)
    parser.add_argument("--iterations", type=int, required=True, help="arithmetic of one step")
    options = parser.parse_args()
    client = openai.OpenAI()

    def describe(number: int) -> Any:
        prompt = f"Describe in one line: panel {number}, the fox climbs the harbour wall at dawn."
        return client.chat.completions.create(model=CHAT_MODEL, messages=[{"role": "user", "content": prompt}])

    def draw() -> None:
        for _ in range(STEPS):
            step(options.iterations)

    recorded = RECORDERS[options.recorder](describe, draw)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for line in sys.stdin:
            panels, *then = line.split()
            begun_s = time.perf_counter()
            latencies_s = list(pool.map(lambda number: seconds_of(recorded.panel, number), range(int(panels))))
            seconds = time.perf_counter() - begun_s
            if then == ["flush"]:
                recorded.flush()
            answer = {"latencies_s": latencies_s, "seconds": seconds, "cpu_s": time.process_time()}
            print(json.dumps(answer), flush=True)


def step(iterations: int) -> None:
    """So much arithmetic."""
    hashlib.pbkdf2_hmac("sha256", b"latents", b"noise", iterations)


def seconds_of(call: Callable[[int], object], number: int) -> float:
    """How long a call takes."""
    begun_s = time.perf_counter()
    call(number)
    return time.perf_counter() - begun_s


if __name__ == "__main__":
    main()
