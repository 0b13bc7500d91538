"""All price tables as one: the user's file goes before the packaged tables, the model that answered before the one
that was asked for, prices per token before prices per picture."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from spanwand.config import PriceConfig
from spanwand.operations import Operation
from spanwand.prices import images, packaged
from spanwand.prices.packaged import QUARTER_NS
from spanwand.prices.tariff import NO_MODEL, Origin, Part, Pictures, Tariff, Tokens
from spanwand.record import Generation, ImageParams, ServiceTier

if TYPE_CHECKING:
    from spanwand.prices.file import PricesOfFile

_SPLIT = {
    Operation.IMAGE: ("image_output_tokens",),
    Operation.AUDIO: ("audio_output_tokens", "audio_input_tokens"),
}
"""Calls whose tokens are mostly not text: where those have a price of their own, their number has to be known."""


class Prices(msgspec.Struct, frozen=True):
    """What is known about one model at one time; `why` there is nothing."""

    tokens: Tokens | None = None
    pictures: Pictures | None = None
    why: str = ""


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """What a call costs and what that is the sum of; or `why` it is not known."""

    usd: float | None = None
    parts: tuple[Part, ...] = ()
    origin: Origin | None = None
    above: int = -1
    """The price is that for more input tokens than this; -1 if for any number."""
    why: str = ""


Key = tuple[str, str, str, ServiceTier | None, int]
"""Provider, model that answered, model asked for, service tier and quarter of an hour."""


class PriceBook:
    """Finds prices. Each look-up is remembered: calls name the same few models."""

    def __init__(self, config: PriceConfig) -> None:
        """Raises ConfigError for a price file that cannot be read or is not right."""
        self.file = read_prices(config)
        self._find = lru_cache(4096)(self._look_up)

    def prices(self, call: Generation) -> Prices:
        """What is known about the call's model at the time of the call."""
        tier, quarter = call.params.service_tier, call.start_ns // QUARTER_NS
        return self._find((call.provider, call.response_model, call.request_model, tier, quarter))

    def usd(self, call: Generation) -> float | None:
        """What a call costs; `None` if that is not known. As `quote`, without the explanation."""
        prices = self.prices(call)
        if prices.tokens is not None:
            usd = _token_usd(prices.tokens, call)
            if usd is not None:
                return usd
        if prices.pictures is not None and call.operation is Operation.IMAGE:
            return _by_picture(prices.pictures, call).usd
        return None

    def quote(self, call: Generation) -> Quote:
        """What a call costs, and why."""
        prices = self.prices(call)
        quote = Quote(why=prices.why)
        if prices.tokens is not None:
            quote = _by_token(prices.tokens, call)
        if quote.usd is None and prices.pictures is not None and call.operation is Operation.IMAGE:
            quote = _by_picture(prices.pictures, call)
        return quote

    def gpu_hour_usd(self, gpu: str) -> float | None:
        """USD per hour of a device, by its name; `None` if the user's file has none."""
        return self.file.content.gpu_hour_usd(gpu) if self.file else None

    def _look_up(self, key: Key) -> Prices:
        provider, answered, asked, tier, quarter = key
        models = [model for model in dict.fromkeys((answered, asked)) if model]
        if self.file is not None:
            day = datetime.fromtimestamp(quarter * QUARTER_NS / 1e9, UTC).date()
            for model in models:
                if own := self.file.find(provider, model, tier, day):
                    return Prices(*own, why="the price file's entry has no price of this kind")
        return _packaged(provider, models, tier, quarter)


def read_prices(config: PriceConfig) -> "PricesOfFile | None":
    """The user's file; None if there is none. Raises ConfigError if it cannot be read or is not right."""
    if not config.file:
        return None
    from spanwand.prices.file import PricesOfFile

    return PricesOfFile(Path(config.file).expanduser())


def _packaged(provider: str, models: Sequence[str], tier: ServiceTier | None, quarter: int) -> Prices:
    tokens = [packaged.tokens(provider, model, tier, quarter) for model in models]
    pictures = [images.pictures(provider, model, tier) for model in models]
    found = next((some for some in tokens if isinstance(some, Tokens)), None)
    why = "" if found else next((some for some in tokens if isinstance(some, str)), NO_MODEL)
    return Prices(found, next((some for some in pictures if some is not None), None), why)


def _token_usd(tokens: Tokens, call: Generation) -> float | None:
    tariff = tokens.tariff(call.usage)
    if isinstance(tariff, Tariff) and tariff.text is not None:
        return tariff.text.cost_usd(call.usage)
    found = _charged(tokens, call)
    return None if isinstance(found, str) else found[0].cost_usd(found[1])


def _charged(tokens: Tokens, call: Generation) -> tuple[Tariff, list[int]] | str:
    """The tariff of a call and how many tokens are charged at each of its prices; or why that is not known."""
    tariff = tokens.tariff(call.usage)
    if isinstance(tariff, str):
        return tariff
    if call.operation is not Operation.CHAT and (why := tariff.missing(call.usage, _SPLIT.get(call.operation, ()))):
        return why
    charged = tariff.charged(call.usage)
    return charged if isinstance(charged, str) else (tariff, charged)


def _by_token(tokens: Tokens, call: Generation) -> Quote:
    found = _charged(tokens, call)
    if isinstance(found, str):
        return Quote(origin=tokens.origin, why=found)
    tariff, charged = found
    parts = [Part(*part) for part in zip(tariff.units, charged, tariff.usd, strict=True)][::-1]
    if tariff.call_usd:
        parts.append(Part("call", 1, tariff.call_usd))
    return Quote(usd=tariff.cost_usd(charged), parts=tuple(parts), origin=tokens.origin, above=tariff.above)


def _by_picture(pictures: Pictures, call: Generation) -> Quote:
    image = call.image or ImageParams()
    if image.images is None:
        return Quote(origin=pictures.origin, why="the number of images is not known")
    each = pictures.usd_each(image)
    if each is None:
        quality, size = pictures.variant(image)
        wanted = " ".join(text for text in (quality, size) if text)
        return Quote(origin=pictures.origin, why=f"no price for a picture {wanted or 'of unknown quality and size'}")
    return Quote(usd=each * image.images, parts=(Part("image", image.images, each),), origin=pictures.origin)
