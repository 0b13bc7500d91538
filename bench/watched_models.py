"""What draws the panels of a comic in bench/watched_service.py: the same work for each, and it is known how much.

    python bench/watched_models.py MODEL PANEL_MS

prints how much of it takes a panel so long here. `arithmetic` hashes a large block in each step, without the
interpreter lock, as kernels run. (Not PBKDF2: OpenSSL allocates in each of its iterations, and where that fell in its
heap made one thread of ten slower by up to 40 %, for as long as the process lived.) `diffusers` is a real pipeline in
miniature, with a denoiser wide enough that its operations take longer than Python takes to ask for them: ten threads
that do little but hand each other the interpreter lock share a core unevenly.
"""

import hashlib
import importlib
import queue
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

AT_ONCE = 10
"""Comics."""
COMICS = "comics"
"""What the threads that make them are named by."""
PANELS = 4
"""Of a comic."""
STEPS = 28
WIDE = (48, 96)
"""Channels of the denoiser's levels."""
PARTS = {"text_encoder": "forward", "unet": "forward", "vae": "decode"}
"""What a pipeline computes with."""
TRIALS = 10

Draw = Callable[[], object]


class Spent(threading.local):
    """Where a model notes its CPU time, in seconds; of each thread its own, so of each comic."""

    s = 0.0


class Model(NamedTuple):
    """How a model is made, whether an instrumentation sees its calls, and an amount of work for a trial."""

    make: Callable[[int, Spent], Draw]
    is_watched: bool
    trial: int


def arithmetic(block_bytes: int, spent: Spent) -> Draw:
    """Steps that hash a block."""
    latents = bytes(block_bytes)
    step = noting(lambda: hashlib.sha256(latents).digest(), spent)

    def draw() -> None:
        for _ in range(STEPS):
            step()

    return draw


def diffusers(steps: int, spent: Spent) -> Draw:
    """Pipelines of Stable Diffusion's parts with random weights, one for each panel that is drawn at once."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    tiny = importlib.import_module("tests.instrumentation.tiny")
    idle: queue.SimpleQueue[Any] = queue.SimpleQueue()
    for _ in range(AT_ONCE):
        pipeline = tiny.stable_diffusion(unet=tiny.unet(block_out_channels=WIDE))
        for part, method in PARTS.items():
            own = getattr(pipeline, part)
            setattr(own, method, noting(getattr(own, method), spent))
        idle.put(pipeline)

    def draw() -> None:
        pipeline = idle.get()
        pipeline(prompt="a fox", guidance_scale=7.5, num_inference_steps=steps)
        idle.put(pipeline)

    return draw


MODELS: Mapping[str, Model] = {
    "arithmetic": Model(arithmetic, is_watched=False, trial=1 << 20),
    "diffusers": Model(diffusers, is_watched=True, trial=4),
}


def noting(step: Callable[..., Any], spent: Spent) -> Callable[..., Any]:
    """The step, or what else a model computes, its CPU time added to the thread's."""

    def noted(*args: Any, **kwargs: Any) -> Any:
        begun_s = time.thread_time()
        made = step(*args, **kwargs)
        spent.s += time.thread_time() - begun_s
        return made

    return noted


def calibrated(model: Model, panel_s: float) -> int:
    """The amount of work whose steps take so long, undisturbed."""
    spent = Spent()
    draw = model.make(model.trial, spent)

    def seconds() -> float:
        spent.s = 0.0
        draw()
        return spent.s

    return max(round(model.trial * panel_s / min(seconds() for _ in range(TRIALS))), 1)


if __name__ == "__main__":
    print(calibrated(MODELS[sys.argv[1]], float(sys.argv[2]) / 1_000))
