"""The models the stand-in serves and their list prices, written down a second time on purpose.

The demo's expected cost comes from here, the cost on the run from `spanwand.price`; if they were one table the
comparison would prove nothing.
"""

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from spanwand.record import Usage

MILLION = 1_000_000


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """One model: prices in USD per million tokens, or per image, and how many tokens it thinks before it answers."""

    input_usd: Decimal = Decimal(0)
    cached_input_usd: Decimal = Decimal(0)
    output_usd: Decimal = Decimal(0)
    image_usd: Decimal = Decimal(0)
    reasoning_tokens: int = 0
    dimensions: int = 0


MODELS: Mapping[str, Model] = {
    "gpt-4o-mini": Model(input_usd=Decimal("0.15"), cached_input_usd=Decimal("0.075"), output_usd=Decimal("0.60")),
    "gpt-5-mini": Model(
        input_usd=Decimal("0.25"), cached_input_usd=Decimal("0.025"), output_usd=Decimal("2.00"), reasoning_tokens=64
    ),
    "text-embedding-3-small": Model(input_usd=Decimal("0.02"), dimensions=1536),
    "gpt-image-1": Model(input_usd=Decimal("5.00"), output_usd=Decimal("40.00")),
    "sd3.5-large": Model(image_usd=Decimal("0.065")),
}


def cost_usd(model: str, usage: Usage, images: int = 0) -> Decimal:
    """What the calls of one model cost together. Raises KeyError for a model that is not served."""
    price = MODELS[model]
    cached = usage.cached_input_tokens or 0
    fresh = (usage.input_tokens or 0) - cached
    tokens = fresh * price.input_usd + cached * price.cached_input_usd + (usage.output_tokens or 0) * price.output_usd
    return tokens / MILLION + images * price.image_usd
