"""The third stage: what a call cost, from price tables that come with the package. Unknown is unknown, never 0.

Token prices are those of `genai-prices`, reduced once per provider, model and quarter of an hour to a few numbers per
token (its own calculation takes 70 µs). The quarter is that of the call, not of the clock: prices change with dates
and, for some providers, with the time of day, and a replay has to give the same figures. Images without token counts
are priced by the picture (`prices_images.py`). Nothing is fetched from the network.
"""

from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from spanwand.operations import FAMILY_OF, Operation
from spanwand.prices_images import image_price_usd
from spanwand.record import Cost, Generation, Usage

if TYPE_CHECKING:
    from genai_prices.types import ModelPrice, Tier, TieredPrices

_PROVIDERS = {
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "gcp.gen_ai": "google",
    "mistral_ai": "mistral",
    "moonshot_ai": "moonshotai",
    "x_ai": "x-ai",
}
"""Providers that `genai-prices` knows under another name than OpenTelemetry, and would not recognise."""
_QUARTER_NS = 900 * 10**9
_LONGEST_NAME = 128
"""Nobody sells a model with a longer name; such a text is not worth a search."""


class Tariff(msgspec.Struct, frozen=True):
    """USD per token, and per call, from `above` input tokens on. What has no price of its own costs as its kind."""

    above: int
    input: float
    cached: float
    cache_write: float
    output: float
    reasoning: float
    call: float

    def cost_usd(self, usage: Usage) -> float | None:
        """Cost of inclusive counts; `None` if parts are larger than the whole."""
        cached, written = usage.cached_input_tokens or 0, usage.cache_write_input_tokens or 0
        reasoning = usage.reasoning_output_tokens or 0
        fresh = (usage.input_tokens or 0) - cached - written
        spoken = (usage.output_tokens or 0) - reasoning
        if fresh < 0 or spoken < 0:
            return None
        return (
            fresh * self.input
            + cached * self.cached
            + written * self.cache_write
            + spoken * self.output
            + reasoning * self.reasoning
            + self.call
        )


class Price:
    """Adds the computed cost to generations. One without stays unknown; the metric `unpriced` counts those by model."""

    def __init__(self) -> None:
        self._tariffs = lru_cache(4096)(tariffs)

    def __call__(self, generation: Generation) -> Generation:
        """Return the generation with its computed cost, which stays `None` if a price or the usage is unknown."""
        if generation.operation not in FAMILY_OF:
            return generation
        cost_usd = self._tokens_usd(generation)
        if cost_usd is None and generation.operation is Operation.IMAGE:
            cost_usd = image_price_usd(generation)
        if cost_usd is None:
            return generation
        cost = Cost(reported_usd=generation.cost.reported_usd, computed_usd=cost_usd)
        return msgspec.structs.replace(generation, cost=cost)

    def _tokens_usd(self, generation: Generation) -> float | None:
        usage = generation.usage
        if usage.input_tokens is None and usage.output_tokens is None:
            return None
        quarter, model = generation.start_ns // _QUARTER_NS, generation.model
        found = self._tariffs(generation.provider, model, quarter)
        if not found and model != generation.request_model:
            found = self._tariffs(generation.provider, generation.request_model, quarter)
        for tariff in found:
            if (usage.input_tokens or 0) > tariff.above:
                return tariff.cost_usd(usage)
        return None


def tariffs(provider: str, model: str, quarter: int) -> tuple[Tariff, ...]:
    """Tariffs of a model in a quarter of an hour (counted from 1970), highest threshold first; empty if unknown."""
    if not model or max(len(model), len(provider)) > _LONGEST_NAME:
        return ()
    # Imported here: 0.16 s, which an app that makes no model call should not pay.
    from genai_prices.data import providers
    from genai_prices.data_snapshot import DataSnapshot

    # A snapshot of its own: the shared one remembers every name it was ever asked for.
    snapshot = DataSnapshot(providers=providers, from_auto_update=False)
    try:
        _, found = snapshot.find_provider_model(model, None, _PROVIDERS.get(provider, provider) or None, None)
    except LookupError:
        return ()
    price = found.get_prices(datetime.fromtimestamp(quarter * _QUARTER_NS / 1e9, UTC))
    return tuple(_tariff(price, above) for above in sorted(_thresholds(price), reverse=True))


def _thresholds(price: "ModelPrice") -> set[int]:
    """Where tiers start; -1 for the base price. Empty if neither tokens nor calls have a price."""
    priced = [price.input_mtok, price.output_mtok, price.requests_kcount]
    if not any(amount is not None for amount in priced):
        return set()
    parts = (*priced, price.cache_read_mtok, price.cache_write_mtok, price.output_reasoning_mtok)
    return {-1}.union(*({tier.start for tier in _tiers(part)} for part in parts))


def _tariff(price: "ModelPrice", above: int) -> Tariff:
    def at(amount: "Decimal | TieredPrices | None", otherwise: float) -> float:
        return otherwise if amount is None else _amount(amount, above) / 1e6

    fresh, spoken = at(price.input_mtok, 0.0), at(price.output_mtok, 0.0)
    return Tariff(
        above=above,
        input=fresh,
        cached=at(price.cache_read_mtok, fresh),
        cache_write=at(price.cache_write_mtok, fresh),
        output=spoken,
        reasoning=at(price.output_reasoning_mtok, spoken),
        call=at(price.requests_kcount, 0.0) * 1000,
    )


def _amount(amount: "Decimal | TieredPrices", above: int) -> float:
    """The price for more than `above` input tokens."""
    if isinstance(amount, Decimal):
        return float(amount)
    reached = [tier.price for tier in amount.tiers if tier.start <= above]
    return float(reached[-1] if reached else amount.base)


def _tiers(amount: "Decimal | TieredPrices | None") -> "list[Tier]":
    return getattr(amount, "tiers", [])
