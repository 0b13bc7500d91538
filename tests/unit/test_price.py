"""Cost: the fast path must give what genai-prices gives, and unknown must stay unknown (P5)."""

from datetime import UTC, datetime
from decimal import Decimal

import genai_prices
import pytest
from genai_prices.data import providers

from spanwand.config import PriceConfig
from spanwand.operations import Operation
from spanwand.price import Price
from spanwand.prices.book import PriceBook
from spanwand.prices.images import IMAGE_PRICES
from spanwand.prices.packaged import QUARTER_NS, tokens
from spanwand.prices.tariff import NO_RATE, Tokens
from spanwand.record import Cost, Generation, ImageParams, Service, Usage

NOON = datetime(2026, 9, 1, 12, 7, tzinfo=UTC)
NOON_NS = int(NOON.timestamp()) * 10**9


def generation(
    provider: str,
    model: str,
    usage: Usage = Usage(),  # noqa: B008  a frozen struct
    *,
    operation: Operation = Operation.CHAT,
    image: ImageParams | None = None,
    start_ns: int = NOON_NS,
) -> Generation:
    return Generation(
        trace_id=bytes(15) + b"\1",
        span_id=bytes(7) + b"\1",
        start_ns=start_ns,
        end_ns=start_ns + 10**9,
        service=Service(),
        dialect="gen_ai",
        operation=operation,
        provider=provider,
        request_model=model,
        usage=usage,
        image=image,
        cost=Cost(reported_usd=0.5),
        attributes={},
        sources={},
    )


NOON_QUARTER = NOON_NS // QUARTER_NS
MODELS = [(provider.id, model.id) for provider in providers for model in provider.models]
TOKEN_MODELS = [names for names in MODELS if isinstance(tokens(*names, None, NOON_QUARTER), Tokens)]
USAGES = [
    Usage(input_tokens=1000, output_tokens=300),
    Usage(input_tokens=12_345, output_tokens=1, cached_input_tokens=10_000, cache_write_input_tokens=345),
    Usage(input_tokens=200_001, output_tokens=7, cached_input_tokens=100_000),
    Usage(input_tokens=1_000_000, output_tokens=100_000, reasoning_output_tokens=90_000),
    Usage(input_tokens=0, output_tokens=0),
]


def theirs(provider: str, model: str, usage: Usage) -> Decimal:
    counts = genai_prices.Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cached_input_tokens,
        cache_write_tokens=usage.cache_write_input_tokens,
        output_reasoning_tokens=usage.reasoning_output_tokens,
    )
    return genai_prices.calc_price(counts, model, provider_id=provider, genai_request_timestamp=NOON).total_price


def test_every_token_price_of_genai_prices_is_met() -> None:
    """P5: cache tiers, thresholds, prices by date and by time of day included."""
    assert len(TOKEN_MODELS) > 1500
    book = PriceBook(PriceConfig())
    for provider, model in TOKEN_MODELS:
        for usage in USAGES:
            call = generation(provider, model, usage)
            ours, quote = book.usd(call), book.quote(call)
            assert ours == pytest.approx(quote.usd), (provider, model, usage)
            if quote.why:
                assert (quote.why, bool(usage.output_tokens)) == (NO_RATE, True), (provider, model)
                continue
            assert ours == pytest.approx(float(theirs(provider, model, usage)), rel=1e-9), (provider, model, usage)


@pytest.mark.parametrize(
    ("provider", "same_as"),
    [
        ("azure.ai.openai", "azure"),
        ("gcp.vertex_ai", "google"),
        ("gcp.gemini", "google"),
        ("aws.bedrock", "aws"),
        ("anthropic", "anthropic"),
        ("mistral_ai", "mistral"),
        ("x_ai", "x-ai"),
        ("moonshot_ai", "moonshotai"),
        ("", "openai"),
    ],
)
def test_provider_names_of_the_conventions_are_understood(provider: str, same_as: str) -> None:
    model = next(m for p, m in TOKEN_MODELS if p == same_as and (p != "openai" or m == "gpt-4o"))
    assert tokens(provider, model, None, NOON_QUARTER) == tokens(same_as, model, None, NOON_QUARTER)


def test_price_is_that_of_the_call_not_of_the_clock() -> None:
    """A replay next year has to give the same cost: DeepSeek was cheaper at night until September 2025."""
    night = int(datetime(2025, 6, 1, 17, 0, tzinfo=UTC).timestamp()) * 10**9
    day = int(datetime(2025, 6, 1, 12, 0, tzinfo=UTC).timestamp()) * 10**9
    usage = Usage(input_tokens=1000, output_tokens=1000)
    price = Price()
    at_night, by_day = (
        price(generation("deepseek", "deepseek-chat", usage, start_ns=start)).cost.computed_usd
        for start in (night, day)
    )
    assert at_night is not None
    assert by_day is not None
    assert at_night < by_day


@pytest.mark.parametrize(
    ("provider", "model", "usage"),
    [
        ("openai", "gpt-4o", Usage()),
        ("openai", "no-such-model", Usage(input_tokens=1)),
        ("vllm", "gpt-4o", Usage(input_tokens=1)),
        ("openai", "gpt-4o" * 1000, Usage(input_tokens=1)),
        ("", "", Usage(input_tokens=1)),
        ("openai", "gpt-4o", Usage(input_tokens=1, cached_input_tokens=2)),
    ],
)
def test_unknown_is_unknown(provider: str, model: str, usage: Usage) -> None:
    """P5: never 0; what the app reported stays beside it."""
    priced = Price()(generation(provider, model, usage))
    assert priced.cost == Cost(reported_usd=0.5)


def test_requested_model_prices_an_answer_from_an_unlisted_one() -> None:
    call = generation("openai", "gpt-4o", Usage(input_tokens=1_000_000))
    renamed = generation("openai", "gpt-4o", call.usage)
    assert Price()(renamed).cost.computed_usd == pytest.approx(2.5)


def test_only_calls_of_models_are_priced() -> None:
    """An agent's usage is the sum of its calls: it must not be priced again."""
    agent = generation("openai", "gpt-4o", Usage(input_tokens=5), operation=Operation.AGENT)
    assert Price()(agent) is agent


def image_cost(provider: str, model: str, image: ImageParams, usage: Usage | None = None) -> float | None:
    call = generation(provider, model, usage or Usage(), operation=Operation.IMAGE, image=image)
    return Price()(call).cost.computed_usd


@pytest.mark.parametrize(
    ("provider", "model", "image", "usd"),
    [
        ("openai", "dall-e-3", ImageParams(images=1), 0.04),
        ("openai", "dall-e-3", ImageParams(images=2, width=1792, height=1024, quality="hd"), 0.24),
        ("", "dall-e-3", ImageParams(images=1, quality="HD"), 0.08),
        ("openai", "gpt-image-1", ImageParams(images=4, width=1024, height=1024, quality="low"), 0.044),
        ("openai", "gpt-image-1", ImageParams(images=1), None),
        ("stability", "sd3.5-large", ImageParams(images=3), 0.195),
        ("diffusers", "stable-diffusion-3.5-large", ImageParams(images=3), None),
        ("gcp.gemini", "imagen-4.0-generate-001", ImageParams(images=2), 0.08),
        ("bfl", "flux-pro-1.1", ImageParams(images=0), 0.0),
        ("openai", "dall-e-3", ImageParams(), None),
        ("openai", "dall-e-3", ImageParams(images=1, width=7, height=7), None),
    ],
)
def test_images_by_model_size_and_quality(provider: str, model: str, image: ImageParams, usd: float | None) -> None:
    """P5: pictures of a self-hosted model are not billed at an API's price."""
    assert image_cost(provider, model, image) == (None if usd is None else pytest.approx(usd))


def test_image_tokens_are_preferred_to_the_price_per_picture() -> None:
    usage = Usage(input_tokens=100, output_tokens=4160)
    assert image_cost("openai", "gpt-image-1", ImageParams(images=1), usage) == pytest.approx(0.1669)


def test_every_image_price_says_where_it_is_from() -> None:
    for _, _, pictures in IMAGE_PRICES:
        assert "." in pictures.origin.source
        assert "2026" in pictures.origin.note


def test_image_table_has_no_model_twice() -> None:
    names = [(provider, model) for providers, models, _ in IMAGE_PRICES for provider in providers for model in models]
    assert len(names) == len(set(names))
