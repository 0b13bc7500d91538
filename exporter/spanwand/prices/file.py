"""The user's price file: own models by the token, call or picture, and GPUs by the hour. docs/cost.md has examples.

It is read once, at the start. Whatever is wrong with it is one `ConfigError` of one line that names line and key.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from spanwand.prices.lines import read_section
from spanwand.prices.tariff import Origin, Pictures, Tariff, Tokens, tariff
from spanwand.record import ServiceTier
from spanwand.section import Section

Usd = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Patterns = Annotated[tuple[str, ...], AfterValidator(lambda patterns: tuple(pattern.lower() for pattern in patterns))]
Found = tuple[Tokens | None, Pictures | None]
SIZE = r"^([1-9]\d*x[1-9]\d*)?$"


class TokenPrices(Section):
    """USD per million tokens. What has no price of its own costs as what it is part of."""

    input_tokens: Usd | None = None
    output_tokens: Usd | None = None
    cached_input_tokens: Usd | None = None
    cache_write_input_tokens: Usd | None = None
    cache_write_1h_input_tokens: Usd | None = None
    reasoning_output_tokens: Usd | None = None
    audio_input_tokens: Usd | None = None
    audio_output_tokens: Usd | None = None
    cached_audio_input_tokens: Usd | None = None
    image_input_tokens: Usd | None = None
    image_output_tokens: Usd | None = None
    cached_image_input_tokens: Usd | None = None


class ImagePrice(Section):
    """USD for one picture of a quality and size; without them, of any."""

    usd: Usd
    quality: str = ""
    size: str = Field(default="", pattern=SIZE)


class ModelPrice(Section):
    """One price of some models."""

    models: Patterns = Field(min_length=1)
    """Names, or patterns with `*`, `?` and `[...]`; upper and lower case are the same."""
    providers: Patterns = ()
    """Likewise; empty: any provider."""
    service_tier: ServiceTier | None = None
    """Only for calls of this tier; they then ignore entries that name none."""
    since: date | None = None
    """First day (UTC) on which it is valid."""
    above_input_tokens: int = Field(default=-1, ge=-1)
    """Only for calls with more input tokens than this."""
    usd_per_million: TokenPrices | None = None
    usd_per_call: Usd | None = None
    usd_per_image: Usd | tuple[ImagePrice, ...] | None = None
    default_quality: str = ""
    """Quality of a picture where the call names none."""
    default_size: str = Field(default="", pattern=SIZE)
    """Size of a picture where the call names none, as in `1024x1024`."""
    source: str = ""
    """Where the figure is from; shown by `spanwand prices`."""

    @model_validator(mode="after")
    def _has_price(self) -> Self:
        if self.usd_per_million is None and self.usd_per_call is None and self.usd_per_image is None:
            raise ValueError("needs usd_per_million, usd_per_call or usd_per_image")
        return self

    def fits(self, provider: str, model: str, day: date) -> bool:
        """Whether it is for this model on this day."""
        return (
            _any(self.models, model)
            and (not self.providers or _any(self.providers, provider))
            and (self.since is None or self.since <= day)
        )


class GpuPrice(Section):
    """What an hour of some GPUs costs."""

    gpus: Patterns = Field(min_length=1)
    """Device names as NVML spells them, or patterns. A slice's are fitted by patterns that say `MIG`, and no others."""
    usd_per_hour: Usd

    def fits(self, gpu: str) -> bool:
        """Whether it is for this device. A whole GPU's price is not that of a slice of it."""
        is_slice = "mig" in gpu.lower().split()
        return _any([pattern for pattern in self.gpus if "mig" in pattern or not is_slice], gpu)


class PriceFile(Section):
    """The whole file."""

    models: tuple[ModelPrice, ...] = ()
    gpus: tuple[GpuPrice, ...] = ()

    def gpu_hour_usd(self, gpu: str) -> float | None:
        """USD per hour of a device, by its name; the first entry that fits."""
        return next((price.usd_per_hour for price in self.gpus if price.fits(gpu)), None)


class PricesOfFile:
    """Finds the prices of a model in a file."""

    def __init__(self, path: Path) -> None:
        """Raises ConfigError for a file that cannot be read or is not right."""
        self.content, lines = read_section(PriceFile, path)
        self._places = [f"{path}:{lines['models', index]}" for index in range(len(self.content.models))]

    def find(self, provider: str, model: str, tier: ServiceTier | None, day: date) -> Found | None:
        """The prices of a model; None if no entry fits. Of several the latest `since` wins, then the first."""
        fitting = [
            (price, place)
            for price, place in zip(self.content.models, self._places, strict=True)
            if price.fits(provider.lower(), model.lower(), day)
        ]
        of_tier = [found for found in fitting if found[0].service_tier is tier is not None]
        chosen = of_tier or [found for found in fitting if found[0].service_tier is None]
        chosen.sort(key=lambda found: found[0].since or date.min, reverse=True)
        return (_tokens(chosen), _pictures(chosen)) if chosen else None


def _tokens(chosen: Sequence[tuple[ModelPrice, str]]) -> Tokens | None:
    """One tariff per threshold; the first entry with it wins."""
    by_threshold: dict[int, tuple[ModelPrice, str]] = {}
    for price, place in chosen:
        if price.usd_per_million is not None or price.usd_per_call is not None:
            by_threshold.setdefault(price.above_input_tokens, (price, place))
    if not by_threshold:
        return None
    tariffs = tuple(_tariff(by_threshold[above][0]) for above in sorted(by_threshold, reverse=True))
    return Tokens(_origin(*by_threshold[min(by_threshold)]), tariffs)


def _tariff(price: ModelPrice) -> Tariff:
    per_million = price.usd_per_million.model_dump(exclude_none=True) if price.usd_per_million else {}
    per_token = {unit: usd / 1e6 for unit, usd in per_million.items()}
    return tariff(per_token, above=price.above_input_tokens, call_usd=price.usd_per_call or 0.0)


def _pictures(chosen: Sequence[tuple[ModelPrice, str]]) -> Pictures | None:
    for price, place in chosen:
        if price.usd_per_image is not None:
            each = price.usd_per_image
            variants = each if isinstance(each, tuple) else (ImagePrice(usd=each),)
            return Pictures(
                origin=_origin(price, place),
                usd={(variant.quality.lower(), variant.size): variant.usd for variant in variants},
                default_quality=price.default_quality.lower(),
                default_size=price.default_size,
            )
    return None


def _origin(price: ModelPrice, place: str) -> Origin:
    return Origin(
        table="price file",
        entry=f"{place} {' '.join(price.models)}",
        since=str(price.since or ""),
        source=price.source,
    )


def _any(patterns: Iterable[str], name: str) -> bool:
    return any(fnmatchcase(name.lower(), pattern) for pattern in patterns)
