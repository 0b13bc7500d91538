"""Real pipelines of `diffusers` and models of `transformers`, tiny and random, made of configurations: no download."""

from tests.instrumentation.tiny.language import llama, t5
from tests.instrumentation.tiny.parts import (
    SIDE_PX,
    controlnet,
    image_processor,
    quiet,
    strict_safety_checker,
    tokenizer,
    unet,
)
from tests.instrumentation.tiny.pipelines import (
    flux,
    flux_prompts,
    kandinsky,
    sd3,
    sdxl,
    stable_diffusion,
    text_to_video,
    unconditional,
)

__all__ = [
    "SIDE_PX",
    "controlnet",
    "flux",
    "flux_prompts",
    "image_processor",
    "kandinsky",
    "llama",
    "quiet",
    "sd3",
    "sdxl",
    "stable_diffusion",
    "strict_safety_checker",
    "t5",
    "text_to_video",
    "tokenizer",
    "unconditional",
    "unet",
]
