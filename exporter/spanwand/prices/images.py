"""Prices of image models that are sold by the picture, for calls that report no tokens.

`genai-prices` has no such table. List prices without discounts. The figures are second-hand: read in public reports of
the providers' price pages on the day that stands beside them, not on these pages, which a robot may not read.
Self-hosted models are not here: they cost GPU time, not a price per picture.
"""

from collections.abc import Iterable, Iterator, Mapping

from spanwand.prices.tariff import Origin, Pictures
from spanwand.record import ServiceTier

TABLE = "spanwand's image prices"
_OPENAI = ("openai", "azure.ai.openai")
_GEMINI = ("gcp.gemini", "gcp.gen_ai")
_GOOGLE = (*_GEMINI, "gcp.vertex_ai")
_STABILITY = ("stability", "stability.ai", "stability_ai", "stabilityai")
_BFL = ("bfl", "black_forest_labs", "black-forest-labs", "blackforestlabs")
ANY_NAMED = frozenset({*_OPENAI, *_GOOGLE})
"""Providers whose models are found also where a span names no provider."""

_OPENAI_PAGE = "developers.openai.com/api/docs/pricing"
_GEMINI_PAGE = "ai.google.dev/gemini-api/docs/pricing"
_STABILITY_PAGE = "platform.stability.ai/pricing (1 credit = 0.01 USD)"
_BFL_PAGE = "bfl.ai/pricing"
_READ = "June 2026"

Variants = Mapping[tuple[str, str], float]
Row = tuple[tuple[str, ...], tuple[str, ...], Pictures]
"""Providers, models, prices."""


def _row(providers: tuple[str, ...], models: tuple[str, ...], usd: Variants, defaults: tuple[str, str]) -> Row:
    page = {_OPENAI: _OPENAI_PAGE, _STABILITY: _STABILITY_PAGE, _BFL: _BFL_PAGE}.get(providers, _GEMINI_PAGE)
    origin = Origin(table=TABLE, entry=models[0], source=page, note=f"reported {_READ}")
    return providers, models, Pictures(origin=origin, usd=usd, default_quality=defaults[0], default_size=defaults[1])


def _flat(providers: tuple[str, ...], usd: float, *models: str) -> Row:
    return _row(providers, models, {("", ""): usd}, ("", ""))


def _by_size(providers: tuple[str, ...], usd: Mapping[str, float], *models: str) -> Row:
    """By size alone; the first one is the default."""
    return _row(providers, models, {("", size): each for size, each in usd.items()}, ("", next(iter(usd))))


def _gpt_image(square: tuple[float, float, float], wide: tuple[float, float, float], *models: str) -> Row:
    """Square and not square, each at low, medium and high quality. What `auto` chooses, nobody knows."""
    sizes = {"1024x1024": square, "1024x1536": wide, "1536x1024": wide}
    qualities = ("low", "medium", "high")
    usd = {(quality, size): each for size, row in sizes.items() for quality, each in zip(qualities, row, strict=True)}
    return _row(_OPENAI, models, usd, ("", ""))


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
    _gpt_image((0.011, 0.042, 0.167), (0.016, 0.063, 0.25), "gpt-image-1"),
    _gpt_image((0.005, 0.011, 0.036), (0.006, 0.015, 0.052), "gpt-image-1-mini"),
    _gpt_image((0.009, 0.034, 0.133), (0.013, 0.05, 0.2), "gpt-image-1.5", "chatgpt-image-latest"),
    _flat(_STABILITY, 0.08, "stable-image-ultra", "ultra"),
    _flat(_STABILITY, 0.03, "stable-image-core", "core"),
    _flat(_STABILITY, 0.065, "sd3.5-large", "stable-diffusion-3.5-large"),
    _flat(_STABILITY, 0.04, "sd3.5-large-turbo", "stable-diffusion-3.5-large-turbo"),
    _flat(_STABILITY, 0.035, "sd3.5-medium", "stable-diffusion-3.5-medium"),
    _flat(_GEMINI, 0.03, "imagen-3.0-generate-002"),
    _flat(_GOOGLE, 0.02, "imagen-4.0-fast-generate-001"),
    _flat(_GOOGLE, 0.04, "imagen-4.0-generate-001"),
    _flat(_GOOGLE, 0.06, "imagen-4.0-ultra-generate-001"),
    _by_size(_GOOGLE, {"1024x1024": 0.134, "2048x2048": 0.134, "4096x4096": 0.24}, "gemini-3-pro-image-preview"),
    _by_size(_GOOGLE, {"1024x1024": 0.039}, "gemini-2.5-flash-image", "gemini-2.5-flash-image-preview"),
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
            if ANY_NAMED.issuperset(providers):
                yield ("", model), pictures


BY_NAME: Mapping[tuple[str, str], Pictures] = dict(_by_name(IMAGE_PRICES))
"""Prices by provider and model."""


def pictures(provider: str, model: str, tier: ServiceTier | None) -> Pictures | None:
    """The prices of a model. They are those of the standard tier."""
    return BY_NAME.get((provider, model.lower())) if tier in (None, ServiceTier.STANDARD) else None
