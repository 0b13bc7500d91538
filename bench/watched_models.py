"""What draws the panels of bench/watched_service.py: the same work for each, and it is known how much.

    python bench/watched_models.py MODEL PANEL_MS

prints how much of it takes a panel so long here. `arithmetic` hashes a large block in each step, without the
interpreter lock, as kernels run. (Not PBKDF2: OpenSSL allocates in each of its iterations, and where that fell in its
heap made one thread of ten slower by up to 40 %, for as long as the process lived.) `diffusers` is a real pipeline in
miniature.
"""

import hashlib
import importlib
import queue
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

AT_ONCE = 10
STEPS = 28
TRIALS = 10

Draw = Callable[[], object]
SpentS = list[float]
"""Where a model notes each step's CPU time, in seconds."""


class Model(NamedTuple):
    """How a model is made, whether an instrumentation sees its calls, and an amount of work for a trial."""

    make: Callable[[int, SpentS], Draw]
    is_watched: bool
    trial: int


def arithmetic(block_bytes: int, spent_s: SpentS) -> Draw:
    """Steps that hash a block."""
    latents = bytes(block_bytes)
    step = noting(lambda: hashlib.sha256(latents).digest(), spent_s)

    def draw() -> None:
        for _ in range(STEPS):
            step()

    return draw


def diffusers(steps: int, spent_s: SpentS) -> Draw:
    """Pipelines of Stable Diffusion's parts with tiny random weights, one for each panel that is drawn at once."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    tiny = importlib.import_module("tests.instrumentation.tiny")
    idle: queue.SimpleQueue[Any] = queue.SimpleQueue()
    for _ in range(AT_ONCE):
        pipeline = tiny.stable_diffusion()
        pipeline.unet.forward = noting(pipeline.unet.forward, spent_s)
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


def noting(step: Callable[..., Any], spent_s: SpentS) -> Callable[..., Any]:
    """The step, with a note of its CPU time."""

    def noted(*args: Any, **kwargs: Any) -> Any:
        begun_s = time.thread_time()
        made = step(*args, **kwargs)
        spent_s.append(time.thread_time() - begun_s)
        return made

    return noted


def calibrated(model: Model, panel_s: float) -> int:
    """The amount of work whose steps take so long, undisturbed."""
    spent_s: SpentS = []
    draw = model.make(model.trial, spent_s)

    def seconds() -> float:
        spent_s.clear()
        draw()
        return sum(spent_s)

    return max(round(model.trial * panel_s / min(seconds() for _ in range(TRIALS))), 1)


if __name__ == "__main__":
    print(calibrated(MODELS[sys.argv[1]], float(sys.argv[2]) / 1_000))
