"""Whatever counts a call reports: a cost is finite and not negative, and the same with and without explanation (P5)."""

import math

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from spanwand.config import PriceConfig
from spanwand.operations import Operation
from spanwand.prices.book import PriceBook
from spanwand.record import Generation, ImageParams, Params, Service, ServiceTier, Usage

MODELS = [
    ("openai", "gpt-5"),
    ("openai", "gpt-realtime"),
    ("openai", "gpt-image-1.5"),
    ("anthropic", "claude-sonnet-4-5"),
    ("gcp.gemini", "gemini-2.5-flash"),
    ("perplexity", "sonar-pro"),
    ("openai", "text-embedding-3-small"),
    ("openai", "dall-e-3"),
    ("", "no-such-model"),
]
BOOK = PriceBook(PriceConfig())
COUNT = st.none() | st.integers(0, 300_000)
USAGES = st.fixed_dictionaries({}, optional=dict.fromkeys(Usage.__struct_fields__, COUNT))


@given(
    model=st.sampled_from(MODELS),
    usage=USAGES,
    operation=st.sampled_from(Operation),
    tier=st.none() | st.sampled_from(ServiceTier),
    images=COUNT,
    start_ns=st.integers(0, 2**64 - 1),
)
def test_a_cost_is_a_sum_of_its_parts(
    model: tuple[str, str],
    usage: dict[str, int | None],
    operation: Operation,
    tier: ServiceTier | None,
    images: int | None,
    start_ns: int,
) -> None:
    call = Generation(
        trace_id=bytes(16),
        span_id=bytes(8),
        start_ns=start_ns,
        end_ns=start_ns,
        service=Service(),
        dialect="",
        operation=operation,
        provider=model[0],
        request_model=model[1],
        usage=msgspec.convert(usage, Usage),
        params=Params(service_tier=tier),
        image=ImageParams(images=images),
        attributes={},
        sources={},
    )
    usd, quote = BOOK.usd(call), BOOK.quote(call)
    assert (usd is None) == (quote.usd is None) == bool(quote.why)
    if usd is not None and quote.usd is not None:
        assert math.isfinite(usd)
        assert usd >= 0
        assert all(part.count >= 0 for part in quote.parts)
        assert math.isclose(usd, quote.usd, rel_tol=1e-9, abs_tol=1e-15)
        assert math.isclose(usd, sum(part.usd for part in quote.parts), rel_tol=1e-9, abs_tol=1e-15)
