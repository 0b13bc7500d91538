"""Prices of image models that are sold by the picture, in USD, for calls that report no tokens.

`genai-prices` has no such table. List prices without discounts, read from public price pages and reports of them:
OpenAI (developers.openai.com/api/docs/pricing), Stability AI (platform.stability.ai/pricing, 1 credit = 0.01 USD),
Google (ai.google.dev/gemini-api/docs/pricing) and Black Forest Labs (bfl.ai/pricing). State of the figures: June 2026.
Self-hosted models are not here: they cost GPU time, not a price per picture.
"""

from collections.abc import Mapping

import msgspec

from spanwand.record import Generation, ImageParams


class ImagePrice(msgspec.Struct, frozen=True):
    """One line of the table. `by_quality` maps a quality, and size where it matters, to USD per picture.

    `default_quality` and `default_size` are what the provider's API assumes if a request does not say.
    """

    providers: frozenset[str]
    models: frozenset[str]
    by_quality: Mapping[tuple[str, str], float]
    default_quality: str = ""
    default_size: str = ""


_OPENAI = frozenset({"", "openai", "azure.ai.openai"})
_STABILITY = frozenset({"stability", "stability.ai", "stability_ai", "stabilityai"})
_GOOGLE = frozenset({"", "gcp.gemini", "gcp.gen_ai"})
_BFL = frozenset({"bfl", "black_forest_labs", "black-forest-labs", "blackforestlabs"})


def _flat(providers: frozenset[str], usd: float, *models: str) -> ImagePrice:
    return ImagePrice(providers, frozenset(models), {("", ""): usd})


def _gpt_image(square: tuple[float, float, float], wide: tuple[float, float, float], *models: str) -> ImagePrice:
    """Square and not square, each at low, medium and high quality."""
    sizes = {"1024x1024": square, "1024x1536": wide, "1536x1024": wide}
    qualities = ("low", "medium", "high")
    table = {(quality, size): usd for size, row in sizes.items() for quality, usd in zip(qualities, row, strict=True)}
    return ImagePrice(_OPENAI, frozenset(models), table)


IMAGE_PRICES: tuple[ImagePrice, ...] = (
    ImagePrice(
        _OPENAI,
        frozenset({"dall-e-3"}),
        {
            ("standard", "1024x1024"): 0.04,
            ("standard", "1024x1792"): 0.08,
            ("standard", "1792x1024"): 0.08,
            ("hd", "1024x1024"): 0.08,
            ("hd", "1024x1792"): 0.12,
            ("hd", "1792x1024"): 0.12,
        },
        default_quality="standard",
        default_size="1024x1024",
    ),
    ImagePrice(
        _OPENAI,
        frozenset({"dall-e-2"}),
        {("standard", "256x256"): 0.016, ("standard", "512x512"): 0.018, ("standard", "1024x1024"): 0.02},
        default_quality="standard",
        default_size="1024x1024",
    ),
    _gpt_image((0.011, 0.042, 0.167), (0.016, 0.063, 0.25), "gpt-image-1"),
    _gpt_image((0.005, 0.011, 0.036), (0.006, 0.015, 0.052), "gpt-image-1-mini"),
    _flat(_STABILITY, 0.08, "stable-image-ultra", "ultra"),
    _flat(_STABILITY, 0.03, "stable-image-core", "core"),
    _flat(_STABILITY, 0.065, "sd3.5-large", "stable-diffusion-3.5-large"),
    _flat(_STABILITY, 0.04, "sd3.5-large-turbo", "stable-diffusion-3.5-large-turbo"),
    _flat(_STABILITY, 0.035, "sd3.5-medium", "stable-diffusion-3.5-medium"),
    _flat(_GOOGLE, 0.03, "imagen-3.0-generate-002"),
    _flat(_GOOGLE, 0.02, "imagen-4.0-fast-generate-001"),
    _flat(_GOOGLE, 0.04, "imagen-4.0-generate-001"),
    _flat(_GOOGLE, 0.06, "imagen-4.0-ultra-generate-001"),
    _flat(_BFL, 0.025, "flux-dev"),
    _flat(_BFL, 0.04, "flux-pro-1.1"),
    _flat(_BFL, 0.06, "flux-pro-1.1-ultra"),
    _flat(_BFL, 0.04, "flux-kontext-pro"),
    _flat(_BFL, 0.08, "flux-kontext-max"),
)
"""The table. A model whose quality or size is not listed has no known price: nothing is guessed."""

_BY_NAME = {(provider, model): row for row in IMAGE_PRICES for provider in row.providers for model in row.models}


def image_price_usd(generation: Generation) -> float | None:
    """Cost of the pictures a call returned; `None` if their number or price is not known."""
    image = generation.image
    row = _BY_NAME.get((generation.provider, generation.model.lower()))
    if row is None or image is None or image.images is None:
        return None
    each = row.by_quality.get(_variant(row, image))
    return None if each is None else each * image.images


def _variant(row: ImagePrice, image: ImageParams) -> tuple[str, str]:
    if ("", "") in row.by_quality:
        return "", ""
    size = f"{image.width}x{image.height}" if image.width and image.height else row.default_size
    return image.quality.lower() or row.default_quality, size
