"""Cost beyond plain tokens: service tiers, dates, modalities, names of models, and the reported cost (P5)."""

from datetime import UTC, datetime
from typing import Any

import genai_prices
import pytest
from genai_prices.data import providers

from spanwand.config import PriceConfig
from spanwand.operations import Operation
from spanwand.price import Price
from spanwand.prices.book import PriceBook, Quote
from spanwand.prices.file import TokenPrices
from spanwand.prices.packaged import CONTEXTS
from spanwand.prices.tariff import PART_OF
from spanwand.record import Cost, Generation, ImageParams, Params, Service, ServiceTier, Usage

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
MILLION = 1_000_000


def call(provider: str, model: str, usage: Usage, at: datetime = NOW, **more: Any) -> Generation:
    start_ns = int(at.timestamp()) * 10**9
    fields: dict[str, Any] = {"operation": Operation.CHAT, "request_model": model, **more}
    return Generation(
        trace_id=bytes(15) + b"\1",
        span_id=bytes(7) + b"\1",
        start_ns=start_ns,
        end_ns=start_ns + 10**9,
        service=Service(),
        dialect="gen_ai",
        provider=provider,
        usage=usage,
        attributes={},
        sources={},
        **fields,
    )


def quote(provider: str, model: str, usage: Usage, at: datetime = NOW, **more: Any) -> Quote:
    book, made = PriceBook(PriceConfig()), call(provider, model, usage, at, **more)
    found = book.quote(made)
    assert found.usd == pytest.approx(book.usd(made)), "the quick way gives what the explained one gives"
    return found


IN_A_MILLION = Usage(input_tokens=MILLION, output_tokens=0)


def tier(name: ServiceTier) -> Params:
    return Params(service_tier=name)


def test_every_service_tier_of_genai_prices_is_met() -> None:
    """P5: batch, flex, priority and fast, where the data has them."""
    usage = Usage(input_tokens=12_000, output_tokens=300, cached_input_tokens=2_000)
    seen = set()
    for provider in providers:
        for model in provider.models:
            for name, context in CONTEXTS.items():
                ours = quote(provider.id, model.id, usage, params=tier(name))
                if ours.usd is None:
                    continue
                seen.add(name)
                counts = genai_prices.Usage(input_tokens=12_000, output_tokens=300, cache_read_tokens=2_000)
                theirs = genai_prices.calc_price(
                    counts,
                    model.id,
                    provider_id=provider.id,
                    genai_request_timestamp=NOW,
                    price_context=dict(context),
                )
                assert ours.usd == pytest.approx(float(theirs.total_price), rel=1e-9), (provider.id, model.id, name)
    assert seen == CONTEXTS.keys()


@pytest.mark.parametrize(
    ("name", "usd"),
    [
        (None, 1.25),
        (ServiceTier.STANDARD, 1.25),
        (ServiceTier.BATCH, 0.625),
        (ServiceTier.FLEX, 0.625),
        (ServiceTier.PRIORITY, 2.5),
        (ServiceTier.FAST, 2.5),
        (ServiceTier.OTHER, None),
    ],
)
def test_a_tier_has_its_own_price_or_none(name: ServiceTier | None, usd: float | None) -> None:
    assert quote("openai", "gpt-5", IN_A_MILLION, params=Params(service_tier=name)).usd == usd


def test_a_tier_is_not_charged_at_the_standard_price() -> None:
    """P5: before the first day the table knows the tier, and at a reseller, its price is not known."""
    early = quote("openai", "gpt-5", IN_A_MILLION, datetime(2026, 5, 1, tzinfo=UTC), params=tier(ServiceTier.FLEX))
    assert "service tier flex" in early.why
    assert quote("azure.ai.openai", "gpt-5", IN_A_MILLION, params=tier(ServiceTier.FLEX)).usd is None
    assert quote("azure.ai.openai", "gpt-5", IN_A_MILLION).usd == 1.25


def test_prices_change_on_their_day() -> None:
    before, after = datetime(2025, 6, 9, 23, 59, tzinfo=UTC), datetime(2025, 6, 10, 0, 1, tzinfo=UTC)
    assert quote("openai", "o3", IN_A_MILLION, before).usd == 10
    found = quote("openai", "o3", IN_A_MILLION, after)
    assert (found.usd, found.origin and found.origin.since) == (2, "2025-06-10")


def test_a_long_context_has_its_own_price() -> None:
    long = Usage(input_tokens=200_001, output_tokens=0)
    found = quote("anthropic", "claude-sonnet-4-5", long)
    assert found.usd == pytest.approx(200_001 * 6e-6)
    assert found.above == 200_000


def test_cache_writes_for_an_hour_cost_more() -> None:
    usage = Usage(input_tokens=30, cache_write_input_tokens=20, cache_write_1h_input_tokens=15, cached_input_tokens=4)
    found = quote("anthropic", "claude-sonnet-4-6", usage)
    assert {part.unit: part.count for part in found.parts} == {
        "output_tokens": 0,
        "input_tokens": 6,
        "cache_write_input_tokens": 5,
        "cached_input_tokens": 4,
        "cache_write_1h_input_tokens": 15,
    }
    assert found.usd == pytest.approx((6 * 3 + 5 * 3.75 + 4 * 0.3 + 15 * 6) / MILLION)


def test_audio_tokens_have_their_own_price() -> None:
    usage = Usage(input_tokens=1000, output_tokens=500, audio_input_tokens=900, audio_output_tokens=400)
    assert quote("openai", "gpt-audio", usage).usd == pytest.approx(
        (100 * 2.5 + 900 * 32 + 100 * 10 + 400 * 64) / MILLION
    )


@pytest.mark.parametrize(
    ("model", "usage", "operation", "why"),
    [
        ("gpt-realtime", Usage(input_tokens=9, audio_input_tokens=5, cached_input_tokens=3), "chat", "how many"),
        ("gpt-4o-transcribe", Usage(input_tokens=9, output_tokens=3), "audio", "audio input tokens"),
        ("gpt-4o", Usage(output_tokens=3), "chat", "input tokens is not known"),
        ("gpt-4o", Usage(input_tokens=3, cached_input_tokens=5), "chat", "larger than the whole"),
        ("text-embedding-3-small", Usage(input_tokens=3, output_tokens=5), "embeddings", "no price"),
        ("whisper-1", Usage(input_tokens=3), "audio", "does not sell whisper-1 by the token"),
        ("gpt-0", Usage(input_tokens=3), "chat", "in no price table"),
        ("", Usage(input_tokens=3), "chat", "names no model"),
    ],
)
def test_what_is_missing_is_said(model: str, usage: Usage, operation: str, why: str) -> None:
    """P5: unknown is unknown, and `spanwand explain` says why."""
    found = quote("openai", model, usage, operation=Operation(operation))
    assert found.usd is None
    assert why in found.why


def test_cached_audio_is_not_subtracted_twice() -> None:
    usage = Usage(input_tokens=10, audio_input_tokens=6, cached_input_tokens=4, cached_audio_input_tokens=3)
    assert quote("openai", "gpt-realtime", usage).usd == pytest.approx((3 * 4 + 3 * 32 + 1 * 0.4 + 3 * 0.4) / MILLION)


def test_image_tokens_are_not_charged_as_text() -> None:
    """P5: a picture of Gemini's costs ten times what its tokens would cost as text; if unknown, by the picture."""
    image: dict[str, Any] = {"operation": Operation.IMAGE, "image": ImageParams(images=1)}
    known = Usage(input_tokens=100, output_tokens=1300, image_output_tokens=1290)
    model = "gemini-2.5-flash-image"
    assert quote("gcp.gemini", model, known, **image).usd == pytest.approx((30 + 25 + 1290 * 30) / MILLION)
    assert quote("gcp.gemini", model, Usage(input_tokens=100, output_tokens=1300), **image).usd == 0.039


def test_pictures_of_a_batch_have_no_known_price() -> None:
    image: dict[str, Any] = {"operation": Operation.IMAGE, "image": ImageParams(images=1)}
    assert quote("openai", "dall-e-3", Usage(), **image).usd == 0.04
    assert quote("openai", "dall-e-3", Usage(), params=tier(ServiceTier.BATCH), **image).usd is None


@pytest.mark.parametrize(
    ("provider", "model", "entry"),
    [
        ("gcp.gemini", "models/gemini-2.5-flash", "google/gemini-2.5-flash"),
        ("gcp.gemini", "gemini-2.5-flash-001", "google/gemini-2.5-flash"),
        ("gcp.vertex_ai", "publishers/google/models/gemini-2.5-flash", "google/gemini-2.5-flash"),
        (
            "gcp.vertex_ai",
            "projects/p/locations/eu/publishers/anthropic/models/claude-sonnet-4-5@20250929",
            "google/claude-sonnet-4-5",
        ),
        ("aws.bedrock", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0", "aws/regional.anthropic.claude-sonnet-4-5"),
        ("azure.ai.openai", "gpt-4o-2024-08-06", "azure/gpt-4o"),
        ("azure.ai.inference", "gpt-35-turbo", "azure/gpt-3.5-turbo"),
        ("openai", "gpt-4o-2024-11-20", "openai/gpt-4o"),
        ("openai", "ft:gpt-4o-mini-2024-07-18:acme::abc123", "openai/ft:gpt-4o-mini"),
        ("openai", "openai/gpt-4o", "openai/gpt-4o"),
        ("", "anthropic/claude-sonnet-4-5", "anthropic/claude-sonnet-4-5"),
        ("litellm", "azure/gpt-4o", "azure/gpt-4o"),
        ("openrouter", "anthropic/claude-3.5-sonnet", "openrouter/anthropic/claude-3.5-sonnet"),
    ],
)
def test_names_of_models(provider: str, model: str, entry: str) -> None:
    origin = quote(provider, model, IN_A_MILLION).origin
    assert origin
    assert origin.entry.startswith(entry)


@pytest.mark.parametrize("model", ["ft:gpt-4.1-2025-04-14:acme::abc", "acme/gpt-4o", "my-gpt-4o", "gpt-4o-999"])
def test_what_only_looks_like_a_model_is_unknown(model: str) -> None:
    assert quote("openai", model, IN_A_MILLION).usd is None


@pytest.mark.parametrize(
    ("reported", "tolerance", "mismatched"),
    [
        (None, 0.01, None),
        (2.5, 0.01, False),
        (2.49, 0.01, False),
        (2.4, 0.01, True),
        (2.4, 0.05, False),
        (2.5, 0, False),
    ],
)
def test_reported_and_computed_cost_are_compared(
    reported: float | None, tolerance: float, mismatched: bool | None
) -> None:
    """P5: side by side, never mixed."""
    made = call("openai", "gpt-4o", IN_A_MILLION, cost=Cost(reported_usd=reported))
    priced = Price(PriceConfig(tolerance=tolerance))(made)
    assert priced.cost == Cost(reported_usd=reported, computed_usd=2.5, mismatched=mismatched)


def test_an_unpriced_call_is_no_mismatch() -> None:
    made = call("openai", "gpt-0", IN_A_MILLION, cost=Cost(reported_usd=1.0))
    assert Price()(made).cost.mismatched is None


def test_what_can_be_priced_is_one_list() -> None:
    assert TokenPrices.model_fields.keys() == PART_OF.keys() <= set(Usage.__struct_fields__)
