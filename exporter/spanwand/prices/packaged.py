"""Prices per token that come with the package `genai-prices`. Nothing is fetched from the network.

Its own calculation takes 70 µs; here a model's entry is reduced to a few numbers per token, once per service tier and
quarter of an hour. The quarter is that of the call: prices start at dates, and some change with the time of day.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING

from spanwand.prices.names import references
from spanwand.prices.tariff import UNKNOWN_MODEL, Origin, Tariff, Tokens, tariff
from spanwand.record import ServiceTier

if TYPE_CHECKING:
    from genai_prices.data_snapshot import DataSnapshot
    from genai_prices.types import ModelInfo, ModelPrice, Provider, StartDateConstraint, TieredPrices

QUARTER_NS = 900 * 10**9

UNITS = {
    "input_mtok": "input_tokens",
    "output_mtok": "output_tokens",
    "cache_read_mtok": "cached_input_tokens",
    "cache_write_mtok": "cache_write_input_tokens",
    "cache_write_1h_mtok": "cache_write_1h_input_tokens",
    "output_reasoning_mtok": "reasoning_output_tokens",
    "input_audio_mtok": "audio_input_tokens",
    "output_audio_mtok": "audio_output_tokens",
    "cache_audio_read_mtok": "cached_audio_input_tokens",
    "input_image_mtok": "image_input_tokens",
    "output_image_mtok": "image_output_tokens",
    "cache_image_read_mtok": "cached_image_input_tokens",
}
"""Prices of the package -> counts of ours. Hours, pages, characters and searches are on no span."""

CONTEXTS: Mapping[ServiceTier, Mapping[str, str]] = {
    ServiceTier.BATCH: {"processing": "batch"},
    ServiceTier.FLEX: {"service_tier": "flex"},
    ServiceTier.PRIORITY: {"service_tier": "priority"},
    ServiceTier.FAST: {"service_tier": "fast", "speed": "fast"},
}
"""How the package calls the tiers. The standard price has no context."""


def tokens(provider: str, model: str, tier: ServiceTier | None, quarter: int) -> Tokens | str:
    """The prices of a model in a quarter of an hour (counted from 1970); or why there are none."""
    found = _find(provider, model)
    if isinstance(found, str):
        return found
    seller, entry = found
    time = datetime.fromtimestamp(quarter * QUARTER_NS / 1e9, UTC)
    is_own = any(entry is own for own in seller.models)
    if not _has_tier(entry, tier, time, is_own=is_own):
        return f"{seller.id} has no price for the service tier {tier} of {entry.id}"
    price = entry.get_prices(time, CONTEXTS.get(tier) if tier else None)
    listed = tuple(_tariff(price, above) for above in sorted(_thresholds(price), reverse=True))
    if not listed:
        return f"{seller.id} does not sell {entry.id} by the token"
    return Tokens(_origin(seller, entry, time), listed)


def known_models() -> Iterator[tuple[str, str]]:
    """Provider and model of every entry, for suggestions."""
    return ((provider.id, model.id) for provider in _snapshot().providers for model in provider.models)


@cache
def table_name() -> str:
    """The package and its version."""
    return f"genai-prices {version('genai-prices')}"


def _snapshot() -> "DataSnapshot":
    # Imported here: 0.16 s, which an app that makes no model call should not pay. A snapshot of its own: the shared
    # one remembers every name it was ever asked for.
    from genai_prices.data import providers
    from genai_prices.data_snapshot import DataSnapshot

    return DataSnapshot(providers=providers, from_auto_update=False)


def _find(provider: str, model: str) -> "tuple[Provider, ModelInfo] | str":
    snapshot = _snapshot()
    names = frozenset(provider.id for provider in snapshot.providers)
    for seller, name in references(provider, model, names):
        try:
            return snapshot.find_provider_model(name, None, seller or None, None)
        except LookupError:
            continue
    return UNKNOWN_MODEL


def _has_tier(entry: "ModelInfo", tier: ServiceTier | None, time: datetime, *, is_own: bool) -> bool:
    """Whether the tier has prices of its own, or needs none. A seller of others' models has none of their tiers."""
    if tier is None or tier is ServiceTier.STANDARD:
        return True
    context = CONTEXTS.get(tier, {})
    return is_own and any(
        variant.when.items() <= context.items() and (variant.constraint is None or variant.constraint.active(time))
        for variant in entry.price_variants or ()
    )


def _origin(seller: "Provider", entry: "ModelInfo", time: datetime) -> Origin:
    urls = seller.pricing_urls or [""]
    return Origin(
        table=table_name(),
        entry=f"{seller.id}/{entry.id}",
        since=_since(entry, time),
        source=urls[0],
        note=entry.price_comments or "",
    )


def _since(entry: "ModelInfo", time: datetime) -> str:
    if not isinstance(entry.prices, list):
        return ""
    for conditional in reversed(entry.prices):
        if conditional.constraint is None or conditional.constraint.active(time):
            start: StartDateConstraint | object = conditional.constraint
            return str(getattr(start, "start_date", "") or "")
    return ""


def _thresholds(price: "ModelPrice") -> set[int]:
    """Where tiers start; -1 for the base price. Empty if neither tokens nor calls have a price."""
    listed = [getattr(price, key) for key in UNITS]
    if not any(amount is not None for amount in (price.input_mtok, price.output_mtok, price.requests_kcount)):
        return set()
    return {-1}.union(*({tier.start for tier in getattr(amount, "tiers", ())} for amount in listed))


def _tariff(price: "ModelPrice", above: int) -> Tariff:
    amounts = {unit: getattr(price, key) for key, unit in UNITS.items()}
    per_token = {unit: _amount(amount, above) / 1e6 for unit, amount in amounts.items() if amount is not None}
    call = price.requests_kcount
    return tariff(per_token, above=above, call_usd=0.0 if call is None else _amount(call, above) / 1e3)


def _amount(amount: "Decimal | TieredPrices", above: int) -> float:
    """The price for more than `above` input tokens."""
    if isinstance(amount, Decimal):
        return float(amount)
    reached = [tier.price for tier in amount.tiers if tier.start <= above]
    return float(reached[-1] if reached else amount.base)
