"""Tiny pipelines of `diffusers`, watched by Spanwand's own instrumentation: `diffusers_app.py CASE`.

What each call made is counted here, from what the pipeline returned, and written where `ANSWERS` says.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from spanwand.instrumentation.diffusers import DiffusersInstrumentor
from tests.instrumentation import tiny

MODEL = "acme/tiny-fox"
PROMPT = "a photo of a fox, mail ada@example.org"


def answer(images: int, status: int = 200) -> None:
    """Note what a call made."""
    with Path(os.environ["ANSWERS"]).open("a") as answers:
        answers.write(json.dumps({"path": "pipeline", "model": MODEL, "status": status, "images": images}) + "\n")


def named(pipeline: Any) -> Any:
    """As if it had been loaded from a hub."""
    pipeline.register_to_config(_name_or_path=MODEL)
    return pipeline


def text_to_image() -> None:
    """Two images for each of two prompts."""
    generator = torch.Generator().manual_seed(42)
    prompts = {"prompt": [PROMPT, "a wall"], "negative_prompt": ["a dog", "a dog"], "num_images_per_prompt": 2}
    made = named(tiny.stable_diffusion())(**prompts, generator=generator, num_inference_steps=4, guidance_scale=5.0)
    answer(len(made.images))


def withheld() -> None:
    """A safety checker blackens both images."""
    checks = {"safety_checker": tiny.strict_safety_checker(), "feature_extractor": tiny.image_processor()}
    made = named(tiny.stable_diffusion(**checks))(PROMPT, num_inference_steps=2, num_images_per_prompt=2)
    answer(len(made.images))


def interrupted() -> None:
    """Stopped from a callback after two of five steps."""

    def stop(pipeline: Any, step: int, _: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        pipeline._interrupt = step == 1
        return tensors

    made = named(tiny.stable_diffusion())(PROMPT, num_inference_steps=5, callback_on_step_end=stop)
    answer(len(made.images))


def error() -> None:
    """No memory in the second step."""

    def fail(_: Any, step: int, *__: Any) -> dict[str, Any]:
        if step:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return {}

    with suppress(torch.OutOfMemoryError):
        named(tiny.stable_diffusion())(PROMPT, num_inference_steps=3, callback_on_step_end=fail)
    answer(0, status=500)


def cascade() -> None:
    """A prior and a decoder in one pipeline."""
    sizes = {"height": 64, "width": 64, "num_inference_steps": 3, "prior_num_inference_steps": 2}
    answer(len(named(tiny.kandinsky())(PROMPT, **sizes).images))


def refiner() -> None:
    """Two calls: one hands its latents to the next."""
    latents = named(tiny.sdxl())(PROMPT, height=64, width=64, num_inference_steps=2, output_type="latent").images
    answer(0)
    answer(len(named(tiny.sdxl())(PROMPT, latents=latents, num_inference_steps=2, height=64, width=64).images))


def video() -> None:
    """One video of two frames."""
    answer(len(named(tiny.text_to_video())(PROMPT, num_frames=2, height=32, width=32, num_inference_steps=2).frames))


CASES: Mapping[str, Callable[[], None]] = {
    "text-to-image": text_to_image,
    "withheld": withheld,
    "interrupted": interrupted,
    "error": error,
    "cascade": cascade,
    "refiner": refiner,
    "video": video,
}

if __name__ == "__main__":
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    DiffusersInstrumentor().instrument(tracer_provider=provider)
    CASES[sys.argv[1]]()
    provider.shutdown()
