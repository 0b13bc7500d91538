"""What a pipeline and the arguments of a call say: a table of canonical fields, each with who reads it.

Pipelines are read by what they have, not by their classes: there are hundreds, and apps write their own.
"""

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry.util.types import AttributeValue

from spanwand.instrumentation.arguments import Arguments, defaults, given, signature_of
from spanwand.instrumentation.guard import guarded
from spanwand.instrumentation.model_names import model_name
from spanwand.operations import Operation

Reader = Callable[[Any, Arguments], AttributeValue | None]

VIDEO = frozenset({"num_frames", "video_length"})
"""Arguments that only pipelines for videos take."""
_AUDIO = frozenset({"audio_length_in_s", "audio_end_in_s", "audio_duration"})
_PER_PROMPT = ("num_images_per_prompt", "num_videos_per_prompt", "num_waveforms_per_prompt")
_EMBEDDED = ("prompt_embeds", "image_embeds", "latents")
_DENOISERS = ("transformer", "unet", "prior", "decoder")


def arguments_of(method: Callable[..., Any], args: tuple[Any, ...], kwargs: Arguments) -> Arguments:
    """The arguments of a call by name, defaults too; `args` begin with the pipeline."""
    return {**defaults(method), **given(method, args, kwargs)}


def operation_of(method: Callable[..., Any]) -> Operation:
    """What a pipeline makes, by the arguments that it takes: what it returns is known too late for samplers."""
    taken = signature_of(method).parameters.keys()
    if taken & VIDEO:
        return Operation.VIDEO
    return Operation.AUDIO if taken & _AUDIO else Operation.IMAGE


def argument(name: str, *types: type[float]) -> Reader:
    """Read an argument that has one of these types."""

    def read(_: Any, arguments: Arguments) -> AttributeValue | None:
        value: AttributeValue | None = arguments.get(name)
        return value if isinstance(value, types) and not isinstance(value, bool) else None

    return read


def text_argument(name: str) -> Reader:
    """Read a prompt; a list of them as JSON."""

    def read(_: Any, arguments: Arguments) -> str | None:
        value = arguments.get(name)
        return json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value

    return read


def scheduler(pipeline: Any, _: Arguments) -> str | None:
    """The class of the noise scheduler."""
    found = getattr(pipeline, "scheduler", None)
    return None if found is None else type(found).__name__


def name_of_model(pipeline: Any, _: Arguments) -> str | None:
    """Of the pipeline as it was loaded, else of the model that denoises."""
    loaded = (pipeline, _denoiser(pipeline))
    names = (getattr(getattr(one, "config", None), "_name_or_path", None) for one in loaded)
    return next(filter(None, map(model_name, names)), None)


def seed(_: Any, arguments: Arguments) -> int | None:
    """Of the (first) generator, if nothing was drawn from it yet: only then does it make the same picture again."""
    generator: Any = arguments.get("generator")
    first = generator[0] if isinstance(generator, list) and generator else generator
    if first is None:
        return None
    fresh = type(first)(device=first.device).manual_seed(first.initial_seed())
    unused = sys.modules["torch"].equal(fresh.get_state(), first.get_state())
    return int(first.initial_seed()) if unused else None


def images_asked(_: Any, arguments: Arguments) -> int:
    """Prompts by images per prompt."""
    prompt = arguments.get("prompt")
    embedded = (arguments[name] for name in _EMBEDDED if hasattr(arguments.get(name), "shape"))
    first = next(embedded, None)
    of_none = arguments.get("batch_size", 1) if first is None else first.shape[0]
    prompts = len(prompt) if isinstance(prompt, list) else 1 if prompt else of_none
    per_prompt = next((arguments[name] for name in _PER_PROMPT if arguments.get(name)), 1)
    return int(prompts * per_prompt)


def loras(pipeline: Any, _: Arguments) -> tuple[str, ...] | None:
    """Adapters in use: active ones, and those that were fused into the weights."""
    models = [getattr(pipeline, name, None) for name in getattr(pipeline, "_lora_loadable_modules", ())]
    active = pipeline.get_active_adapters() if any(getattr(model, "peft_config", None) for model in models) else ()
    return tuple(dict.fromkeys([*active, *getattr(pipeline, "fused_loras", ())])) or None


def dtype(pipeline: Any, _: Arguments) -> str | None:
    """Of the model that denoises: `float16`. That of its first weights: its own property looks through all modules."""
    weights: Any = getattr(_denoiser(pipeline), "parameters", list)()
    found = next((weight.dtype for weight in weights if weight.dtype.is_floating_point), None)
    return None if found is None else str(found).removeprefix("torch.")


def _denoiser(pipeline: Any) -> Any:
    found = vars(pipeline)
    return next((found[name] for name in _DENOISERS if found.get(name) is not None), None)


_READERS: Mapping[str, Reader] = {
    "request_model": name_of_model,
    "image.pipeline": lambda pipeline, _: type(pipeline).__name__,
    "image.scheduler": scheduler,
    "image.guidance_scale": argument("guidance_scale", int, float),
    "image.strength": argument("strength", int, float),
    "image.width": argument("width", int),
    "image.height": argument("height", int),
    "image.seed": seed,
    "image.loras": loras,
    "hint.images_asked": images_asked,
    "dtype": dtype,
}
_CONTENT_READERS: Mapping[str, Reader] = {
    "content.input": text_argument("prompt"),
    "content.negative_prompt": text_argument("negative_prompt"),
}


def quotes_prompt(message: str, arguments: Arguments) -> bool:
    """Whether a prompt stands in an error's message, as it does in some of diffusers' own."""
    prompts = (value for name, value in arguments.items() if "prompt" in name and isinstance(value, str | list))
    texts = (text for value in prompts for text in ([value] if isinstance(value, str) else value))
    return any(isinstance(text, str) and text and text in message for text in texts)


READERS = {field: guarded(reader) for field, reader in _READERS.items()}
"""Each for itself: a field that cannot be read is missing, no other."""
CONTENT_READERS = {**READERS, **{field: guarded(reader) for field, reader in _CONTENT_READERS.items()}}
"""With prompts."""


def read(readers: Mapping[str, Reader], pipeline: Any, arguments: Arguments) -> dict[str, AttributeValue | None]:
    """What can be known before the call."""
    return {field: reader(pipeline, arguments) for field, reader in readers.items()}
