"""What a pipeline returned: images, videos or sound, as objects, arrays or a tuple."""

from collections.abc import Iterator
from typing import Any

from spanwand.dialects.written import Fields
from spanwand.instrumentation.arguments import Arguments
from spanwand.instrumentation.diffusers.asked import VIDEO

_MADE = ("images", "frames", "audios")
_FLAGS = "nsfw_content_detected"
_IMAGE = 3
"""Dimensions of one image, with its channels."""


def made_by(output: Any, arguments: Arguments) -> Fields:
    """How many, of what size, and how many of them a safety checker withheld. Latents are no images yet."""
    if arguments.get("output_type") == "latent":
        return {"image.images": 0}
    results, flags = results_of(output), flags_of(output)
    width, height = size_of(results)
    return {
        "image.images": count_of(results, is_video=not VIDEO.isdisjoint(arguments)),
        "image.width": width,
        "image.height": height,
        "image.safety_flagged": None if flags is None else sum(map(bool, flags)),
    }


def results_of(output: Any) -> Any:
    """What was made; None if it is nothing of the kind."""
    if isinstance(output, tuple):
        return output[0] if output else None
    return next((found for name in _MADE if (found := getattr(output, name, None)) is not None), None)


def flags_of(output: Any) -> list[bool] | None:
    """What the safety checker said of each image; None if there is none."""
    found = output[1] if isinstance(output, tuple) and len(output) > 1 else getattr(output, _FLAGS, None)
    is_said = isinstance(found, list) and all(isinstance(flag, bool) or _is_scalar(flag) for flag in found)
    return found if is_said else None


def count_of(results: Any, *, is_video: bool) -> int:
    """How many: a video is one, however many frames it has."""
    if isinstance(results, list):
        is_one = is_video and results and not isinstance(results[0], list) and len(_shape(results[0])) <= _IMAGE
        return 1 if is_one else len(results)
    if hasattr(results, "shape"):
        dimensions = len(_shape(results))
        return int(results.shape[0]) if dimensions > _IMAGE + is_video else int(dimensions > _IMAGE)
    return 0 if results is None else 1


def size_of(results: Any) -> tuple[int | None, int | None]:
    """Width and height of the first one, in pixels."""
    first = results
    while isinstance(first, list) and first:
        first = first[0]
    if hasattr(first, "getbands"):  # Pillow's
        return int(first.width), int(first.height)
    shape = _shape(first)
    if len(shape) < _IMAGE:
        return None, None
    height, width = shape[-2:] if hasattr(first, "detach") else shape[-3:-1]  # torch has its channels in front
    return int(width), int(height)


def shown(output: Any) -> Iterator[tuple[int, Any]]:
    """Pictures (Pillow's) that no safety checker withheld, each with its place."""
    results, flags = results_of(output), flags_of(output) or []
    for index, image in enumerate(results if isinstance(results, list) else ()):
        withheld = index < len(flags) and flags[index]
        if hasattr(image, "getbands") and not withheld:
            yield index, image


def _shape(array: Any) -> tuple[int, ...]:
    return tuple(getattr(array, "shape", ()))


def _is_scalar(flag: Any) -> bool:
    return getattr(flag, "shape", None) == ()
