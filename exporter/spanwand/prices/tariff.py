"""What a table says about one model, and what a call costs by it: USD per token of each kind, per call, per picture.

Counts are inclusive: cached tokens are part of the input, those of an hour's cache part of the cache writes. A kind
without a price of its own costs as what it is part of. What follows from these prices is a `Part` for each kind.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from spanwand.record import ImageParams, Usage

PART_OF: Mapping[str, tuple[str, ...]] = {
    "image_output_tokens": ("output_tokens",),
    "audio_output_tokens": ("output_tokens",),
    "reasoning_output_tokens": ("output_tokens",),
    "output_tokens": (),
    "cached_image_input_tokens": ("cached_input_tokens", "image_input_tokens", "input_tokens"),
    "cached_audio_input_tokens": ("cached_input_tokens", "audio_input_tokens", "input_tokens"),
    "image_input_tokens": ("input_tokens",),
    "audio_input_tokens": ("input_tokens",),
    "cache_write_1h_input_tokens": ("cache_write_input_tokens", "input_tokens"),
    "cache_write_input_tokens": ("input_tokens",),
    "cached_input_tokens": ("input_tokens",),
    "input_tokens": (),
}
"""The counts of `record.Usage` that can have a price, parts before what they are part of."""
_TEXT = frozenset(unit for unit in PART_OF if "audio" not in unit and "image" not in unit)
_WHOLE = frozenset(unit for unit, wholes in PART_OF.items() if not wholes)
_BOTH = {
    "cached_audio_input_tokens": ("cached_input_tokens", "audio_input_tokens"),
    "cached_image_input_tokens": ("cached_input_tokens", "image_input_tokens"),
}
"""Parts of two counts at once: if those are priced apart, this one has to be known as well."""

NO_MODEL = "the span names no model"
UNKNOWN_MODEL = "the model is in no price table"
TOO_LARGE = "a part of the tokens is larger than the whole"
NO_INPUT = "the number of input tokens is not known"
NO_RATE = "tokens were counted that have no price"
NOT_SPLIT = "it is not known how many of the tokens are {}"


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a price stands. `since` is the day it starts; `source` says where the figure is from."""

    table: str
    entry: str
    since: str = ""
    source: str = ""
    note: str = ""


class Part(msgspec.Struct, frozen=True):
    """What one kind of thing costs: `count` times `usd_each`."""

    unit: str
    count: int
    usd_each: float

    @property
    def usd(self) -> float:
        """The cost of all of them."""
        return self.count * self.usd_each


class TextTariff(msgspec.Struct, frozen=True):
    """USD per token of each kind of text, and per call: what nearly every call needs, in a third of the time."""

    input: float
    cached: float
    written: float
    written_1h: float
    output: float
    reasoning: float
    call: float

    def cost_usd(self, usage: Usage) -> float | None:
        """What a call costs; None if a part is larger than the whole."""
        cached, written = usage.cached_input_tokens or 0, usage.cache_write_input_tokens or 0
        written_1h, reasoning = usage.cache_write_1h_input_tokens or 0, usage.reasoning_output_tokens or 0
        fresh, spoken = (usage.input_tokens or 0) - cached - written, (usage.output_tokens or 0) - reasoning
        if fresh < 0 or spoken < 0 or written < written_1h:
            return None
        return (
            fresh * self.input
            + cached * self.cached
            + (written - written_1h) * self.written
            + written_1h * self.written_1h
            + spoken * self.output
            + reasoning * self.reasoning
            + self.call
        )


class Tariff(msgspec.Struct, frozen=True, kw_only=True):
    """The prices from `above` input tokens on: `usd[i]` per token of the kind `units[i]`, parts before the whole.

    A kind's own parts are those at the indexes `parts[i]`.
    """

    above: int = -1
    units: tuple[str, ...]
    usd: tuple[float, ...]
    parts: tuple[tuple[int, ...], ...]
    text: TextTariff | None = None
    """The same, if nothing but text has a price."""
    call_usd: float = 0.0
    unpriced: tuple[str, ...] = ()
    """Whole counts without a price: a call that has any costs nobody knows what."""
    both: tuple[tuple[str, str, str], ...] = ()
    """Pairs of kinds that are priced apart, and the count of what is in both."""

    def charged(self, usage: Usage) -> list[int] | str:
        """How many tokens are charged at each price; or why that is not known."""
        if _contradicts_itself(usage):
            return TOO_LARGE
        charged: list[int] = []
        for unit, parts in zip(self.units, self.parts, strict=True):
            rest: int = getattr(usage, unit) or 0
            for part in parts:
                rest -= charged[part]
            if rest < 0:
                return TOO_LARGE
            charged.append(rest)
        if self.unpriced and any([getattr(usage, unit) for unit in self.unpriced]):
            return NO_RATE
        for one, other, both in self.both:
            if getattr(usage, one) and getattr(usage, other) and getattr(usage, both) is None:
                return NOT_SPLIT.format(_words(both))
        return charged

    def cost_usd(self, charged: Sequence[int]) -> float:
        """What these tokens cost, and the call."""
        return sum((count * usd for count, usd in zip(charged, self.usd, strict=True)), self.call_usd)

    def missing(self, usage: Usage, wanted: Iterable[str]) -> str:
        """Why the cost is not known, if one of the `wanted` kinds has a price and no count; else nothing."""
        unknown = (unit for unit in wanted if unit in self.units and getattr(usage, unit) is None)
        return next((NOT_SPLIT.format(_words(unit)) for unit in unknown), "")


def tariff(prices: Mapping[str, float], *, above: int = -1, call_usd: float = 0.0) -> Tariff:
    """The tariff of these USD per token, by name of the count."""
    usd = dict(prices)
    both = {part: pair for part, pair in _BOTH.items() if usd.keys() >= set(pair)}
    for part, pair in both.items():
        usd.setdefault(part, min(usd[name] for name in pair))
    units = tuple(unit for unit in PART_OF if unit in usd)
    return Tariff(
        above=above,
        units=units,
        usd=tuple(usd[unit] for unit in units),
        parts=tuple(tuple(i for i, part in enumerate(units) if unit in PART_OF[part]) for unit in units),
        text=_text_tariff(usd, call_usd) if _WHOLE <= usd.keys() <= _TEXT else None,
        call_usd=call_usd,
        unpriced=tuple(sorted(_WHOLE - usd.keys())),
        both=tuple((*pair, part) for part, pair in both.items()),
    )


def _text_tariff(usd: Mapping[str, float], call_usd: float) -> TextTariff:
    fresh, spoken = usd["input_tokens"], usd["output_tokens"]
    written = usd.get("cache_write_input_tokens", fresh)
    return TextTariff(
        input=fresh,
        cached=usd.get("cached_input_tokens", fresh),
        written=written,
        written_1h=usd.get("cache_write_1h_input_tokens", written),
        output=spoken,
        reasoning=usd.get("reasoning_output_tokens", spoken),
        call=call_usd,
    )


def _contradicts_itself(usage: Usage) -> bool:
    """Whether parts that every model may have are larger than the whole, priced apart or not."""
    written = usage.cache_write_input_tokens or 0
    return (
        (usage.cached_input_tokens or 0) + written > (usage.input_tokens or 0)
        or (usage.cache_write_1h_input_tokens or 0) > written
        or (usage.reasoning_output_tokens or 0) > (usage.output_tokens or 0)
    )


def _words(unit: str) -> str:
    return unit.replace("_", " ")


class Tokens(msgspec.Struct, frozen=True):
    """A model's prices per token: tariffs by size of the input, the highest threshold first."""

    origin: Origin
    tariffs: tuple[Tariff, ...]

    def tariff(self, usage: Usage) -> Tariff | str:
        """The one for a call; or why none is."""
        tokens = usage.input_tokens
        for tariff in self.tariffs:
            if tokens is None and tariff.units:
                return NO_INPUT
            if (tokens or 0) > tariff.above:
                return tariff
        return NO_RATE


class Pictures(msgspec.Struct, frozen=True, kw_only=True):
    """A model's prices per picture, in USD by quality and size; an empty quality or size stands for any.

    The defaults are what the provider's API assumes where a request does not say.
    """

    origin: Origin
    usd: Mapping[tuple[str, str], float]
    default_quality: str = ""
    default_size: str = ""

    def usd_each(self, image: ImageParams) -> float | None:
        """The price of one of these pictures; `None` if the table does not have it."""
        quality, size = self.variant(image)
        for variant in ((quality, size), (quality, ""), ("", size), ("", "")):
            if variant in self.usd:
                return self.usd[variant]
        return None

    def variant(self, image: ImageParams) -> tuple[str, str]:
        """Quality and size of these pictures, as the table would have them."""
        size = f"{image.width}x{image.height}" if image.width and image.height else self.default_size
        return image.quality.lower() or self.default_quality, size
