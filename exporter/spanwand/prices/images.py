"""Prices of image models that are sold by the picture, for calls that report no tokens.

`genai-prices` has no such table. List prices without discounts. The figures are second-hand: read in public reports of
the providers' price pages on the day that stands beside them, not on these pages, which a robot may not read.
Self-hosted models are not here: they cost GPU time, not a price per picture.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from spanwand.prices.tariff import Origin, Pictures
from spanwand.record import ServiceTier

TABLE = "spanwand's image prices"


class Seller(NamedTuple):
    """Who sells models, as spans name it; on which page; where and when the figures were read."""

    providers: tuple[str, ...]
    page: str
    read: str


_REPORTS = "read in reports of June 2026"
_OPENAI = Seller(("openai", "azure.ai.openai"), "developers.openai.com/api/docs/pricing", _REPORTS)
_GEMINI = Seller(("gcp.gemini", "gcp.gen_ai"), "ai.google.dev/gemini-api/docs/pricing", _REPORTS)
_GOOGLE = Seller((*_GEMINI.providers, "gcp.vertex_ai"), _GEMINI.page, _REPORTS)
_STABILITY = Seller(
    ("stability", "stability.ai", "stability_ai", "stabilityai"),
    "platform.stability.ai/pricing (1 credit = 0.01 USD)",
    _REPORTS,
)
_BFL = Seller(("bfl", "black_forest_labs", "black-forest-labs", "blackforestlabs"), "bfl.ai/pricing", _REPORTS)
_OPENAI_LATER = _OPENAI._replace(read="read in reports of March and May 2026")
_GOOGLE_LATER = _GOOGLE._replace(read="read in the comments of genai-prices 0.2.3, November 2026")
_FOUND_UNNAMED = frozenset({*_OPENAI.providers, *_GOOGLE.providers})
"""Providers whose models are found also where a span names no provider."""

Variants = Mapping[tuple[str, str], float]
Row = tuple[tuple[str, ...], tuple[str, ...], Pictures]
"""Providers, models, prices."""


def _row(seller: Seller, models: tuple[str, ...], usd: Variants, defaults: tuple[str, str] = ("", "")) -> Row:
    origin = Origin(table=TABLE, entry=models[0], source=seller.page, note=seller.read)
    quality, size = defaults
    return seller.providers, models, Pictures(origin=origin, usd=usd, default_quality=quality, default_size=size)


def _flat(seller: Seller, usd: float, *models: str) -> Row:
    return _row(seller, models, {("", ""): usd})


def _by_size(seller: Seller, usd: Mapping[str, float], *models: str) -> Row:
    """By size alone; the first one is the default."""
    return _row(seller, models, {("", size): each for size, each in usd.items()}, ("", next(iter(usd))))


def _gpt_image(seller: Seller, square: tuple[float, ...], wide: tuple[float, ...], *models: str) -> Row:
    """Square and not square, each at low, medium and high quality. What `auto` chooses, nobody knows."""
    sizes = {"1024x1024": square, "1024x1536": wide, "1536x1024": wide}
    qualities = ("low", "medium", "high")
    usd = {(quality, size): each for size, row in sizes.items() for quality, each in zip(qualities, row, strict=True)}
    return _row(seller, models, usd)


IMAGE_PRICES: tuple[Row, ...] = (
    _row(
        _OPENAI,
        ("dall-e-3",),
        {
            ("standard", "1024x1024"): 0.04,
            ("standard", "1024x1792"): 0.08,
            ("standard", "1792x1024"): 0.08,
            ("hd", "1024x1024"): 0.08,
            ("hd", "1024x1792"): 0.12,
            ("hd", "1792x1024"): 0.12,
        },
        ("standard", "1024x1024"),
    ),
    _row(
        _OPENAI,
        ("dall-e-2",),
        {("standard", "256x256"): 0.016, ("standard", "512x512"): 0.018, ("standard", "1024x1024"): 0.02},
        ("standard", "1024x1024"),
    ),
    _gpt_image(_OPENAI, (0.011, 0.042, 0.167), (0.016, 0.063, 0.25), "gpt-image-1"),
    _gpt_image(_OPENAI, (0.005, 0.011, 0.036), (0.006, 0.015, 0.052), "gpt-image-1-mini"),
    _gpt_image(_OPENAI_LATER, (0.009, 0.034, 0.133), (0.013, 0.05, 0.2), "gpt-image-1.5", "chatgpt-image-latest"),
    _flat(_STABILITY, 0.08, "stable-image-ultra", "ultra"),
    _flat(_STABILITY, 0.03, "stable-image-core", "core"),
    _flat(_STABILITY, 0.065, "sd3.5-large", "stable-diffusion-3.5-large"),
    _flat(_STABILITY, 0.04, "sd3.5-large-turbo", "stable-diffusion-3.5-large-turbo"),
    _flat(_STABILITY, 0.035, "sd3.5-medium", "stable-diffusion-3.5-medium"),
    _flat(_GEMINI, 0.03, "imagen-3.0-generate-002"),
    _flat(_GOOGLE, 0.02, "imagen-4.0-fast-generate-001"),
    _flat(_GOOGLE, 0.04, "imagen-4.0-generate-001"),
    _flat(_GOOGLE, 0.06, "imagen-4.0-ultra-generate-001"),
    _by_size(_GOOGLE_LATER, {"1024x1024": 0.134, "2048x2048": 0.134, "4096x4096": 0.24}, "gemini-3-pro-image-preview"),
    _by_size(_GOOGLE_LATER, {"1024x1024": 0.039}, "gemini-2.5-flash-image", "gemini-2.5-flash-image-preview"),
    _flat(_BFL, 0.025, "flux-dev"),
    _flat(_BFL, 0.04, "flux-pro-1.1"),
    _flat(_BFL, 0.06, "flux-pro-1.1-ultra"),
    _flat(_BFL, 0.04, "flux-kontext-pro"),
    _flat(_BFL, 0.08, "flux-kontext-max"),
)
"""The table. A model whose quality or size is not listed has no known price: nothing is guessed."""


def _by_name(rows: Iterable[Row]) -> Iterator[tuple[tuple[str, str], Pictures]]:
    for providers, models, pictures in rows:
        for model in models:
            yield from (((provider, model), pictures) for provider in providers)
            if _FOUND_UNNAMED.issuperset(providers):
                yield ("", model), pictures


BY_NAME: Mapping[tuple[str, str], Pictures] = dict(_by_name(IMAGE_PRICES))
"""Prices by provider and model."""


def pictures(provider: str, model: str, tier: ServiceTier | None) -> Pictures | None:
    """The prices of a model. They are those of the standard tier."""
    return BY_NAME.get((provider, model.lower())) if tier in (None, ServiceTier.STANDARD) else None
