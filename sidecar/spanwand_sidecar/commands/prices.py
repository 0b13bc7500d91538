"""`spanwand prices`."""

import difflib
import textwrap
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import click
import msgspec

from spanwand.dialects.parsers import size as size_of
from spanwand.dialects.vocabulary import provider as spelled
from spanwand.operations import Operation
from spanwand.prices.book import PriceBook, Prices, Quote
from spanwand.prices.images import BY_NAME
from spanwand.prices.packaged import CONTEXTS, known_models
from spanwand.prices.tariff import PART_OF, UNKNOWN_MODEL, Origin, Pictures, Tokens
from spanwand.record import Generation, ImageParams, Params, Service, ServiceTier, Usage
from spanwand_sidecar.commands.settings import config_option, load_config

COUNT = click.IntRange(0)
COUNTS = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cached": "cached_input_tokens",
    "cache_write": "cache_write_input_tokens",
    "reasoning": "reasoning_output_tokens",
}
"""Option -> count of the record."""
NEAREST = 5


def pixels(_context: click.Context, _option: click.Parameter, written: str | None) -> tuple[int, int] | None:
    """Width and height of `1024x1536`."""
    found = size_of(written.lower()) if written else None
    if written and found is None:
        raise click.BadParameter("must be a size such as 1024x1536")
    return found


@click.command()
@click.argument("model")
@click.option("--provider", default="", help="Who runs it, as a span names it; else the best known seller.")
@click.option("--at", type=click.DateTime(), help="Time of the call in UTC; else now.")
@click.option("--tier", type=click.Choice([tier.value for tier in ServiceTier]), help="Service tier.")
@click.option("--input", type=COUNT, help="Input tokens, cached ones included.")
@click.option("--output", type=COUNT, help="Output tokens, reasoning included.")
@click.option("--cached", type=COUNT, help="Of the input, tokens read from a cache.")
@click.option("--cache-write", type=COUNT, help="Of the input, tokens written to a cache.")
@click.option("--reasoning", type=COUNT, help="Of the output, tokens spent on reasoning.")
@click.option("--images", type=COUNT, help="Pictures made.")
@click.option("--size", callback=pixels, metavar="WxH", help="Their size.")
@click.option("--quality", default="", help="Their quality, in the provider's words.")
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def prices(model: str, config_file: Path | None, as_json: bool, **asked: object) -> None:  # noqa: FBT001  # click
    """Explain what calls of MODEL cost: which table and entry it is in, each price with its source, and the sum.

    Looks where the line looks: the configured price file, then the packaged tables. Exits 1 if MODEL is in none, or if
    what was asked for has no known price.
    """
    book = PriceBook(load_config(config_file).config.price)
    call = made_up(model, asked)
    found, quote = book.prices(call), book.quote(call)
    priced = has_counts(call)
    explained = Explained(call, found, other_tiers(book, call), quote if priced else None)
    click.echo(msgspec.json.encode(document(explained)) if as_json else "\n".join(render(explained)))
    if (found.tokens is None and found.pictures is None) or (priced and quote.usd is None):
        raise SystemExit(1)


class Explained(NamedTuple):
    """A made-up call, the prices of its model, those of other service tiers, and what it costs if it has counts."""

    call: Generation
    found: Prices
    tiers: Mapping[str, Tokens]
    quote: Quote | None


def other_tiers(book: PriceBook, call: Generation) -> Mapping[str, Tokens]:
    """The prices of service tiers that have some of their own; none if the call names its tier."""
    if call.params.service_tier is not None:
        return {}
    calls = {tier: msgspec.structs.replace(call, params=Params(service_tier=tier)) for tier in CONTEXTS}
    found = {tier.value: book.prices(other).tokens for tier, other in calls.items()}
    standard = book.prices(call).tokens
    return {tier: tokens for tier, tokens in found.items() if tokens is not None and tokens != standard}


def made_up(model: str, asked: dict[str, object]) -> Generation:
    """The call that the options describe."""
    at, pixels = asked["at"], asked["size"]
    start_ns = int(at.replace(tzinfo=UTC).timestamp()) * 10**9 if isinstance(at, datetime) else time.time_ns()
    width, height = pixels if isinstance(pixels, tuple) else (None, None)
    images = asked["images"]
    image = ImageParams(images=images, width=width, height=height, quality=str(asked["quality"]))  # type: ignore[arg-type]  # click's COUNT
    return Generation(
        trace_id=bytes(16),
        span_id=bytes(8),
        start_ns=start_ns,
        end_ns=start_ns,
        service=Service(),
        dialect="",
        operation=Operation.CHAT if images is None else Operation.IMAGE,
        provider=str(spelled(str(asked["provider"])) or ""),
        request_model=model,
        usage=msgspec.convert({count: asked[option] for option, count in COUNTS.items()}, Usage),
        params=msgspec.convert({"service_tier": asked["tier"]}, Params),
        image=None if images is None else image,
        attributes={},
        sources={},
    )


def has_counts(call: Generation) -> bool:
    """Whether anything was said that can be charged."""
    return call.image is not None or call.usage != Usage()


def document(explained: Explained) -> dict[str, object]:
    """All of it for a machine; `cost` only if something is to be charged."""
    call, found, tiers, quote = explained
    shown: dict[str, object] = {"model": call.request_model, "provider": call.provider, "why": found.why}
    if found.tokens is not None:
        shown["tokens"] = {"origin": found.tokens.origin, "tariffs": tariffs(found.tokens)}
        shown["service_tiers"] = {tier: tariffs(tokens) for tier, tokens in tiers.items()}
    if found.pictures is not None:
        variants = [
            {"quality": quality, "size": size, "usd": usd} for (quality, size), usd in found.pictures.usd.items()
        ]
        shown["pictures"] = {"origin": found.pictures.origin, "prices": variants}
    if quote is not None:
        shown["cost"] = quote
    return shown


def tariffs(tokens: Tokens) -> list[dict[str, object]]:
    """A model's prices per token for a machine."""
    return [
        {
            "above_input_tokens": tariff.above if tariff.above >= 0 else None,
            "usd_per_million": dict(zip(tariff.units, [usd * 1e6 for usd in tariff.usd], strict=True)),
            "usd_per_call": tariff.call_usd,
        }
        for tariff in tokens.tariffs
    ]


def render(explained: Explained) -> Iterator[str]:
    """All of it for a person."""
    call, found, tiers, quote = explained
    tier = f", service tier {call.params.service_tier}" if call.params.service_tier else ""
    day = datetime.fromtimestamp(call.start_ns / 1e9, UTC).isoformat(" ", "minutes")[:16]
    yield f"{call.request_model}{f' of {call.provider}' if call.provider else ''} at {day} UTC{tier}"
    if found.tokens is None and found.pictures is None:
        yield f"unknown: {found.why}"
        if found.why == UNKNOWN_MODEL:
            yield from nearest(call)
        return
    if found.tokens is not None:
        yield from ("", *origin(found.tokens.origin), *token_prices(found.tokens))
    for name, tokens in tiers.items():
        yield from (f"service tier {name}", *token_prices(tokens))
    if found.pictures is not None:
        yield from ("", *origin(found.pictures.origin), *picture_prices(found.pictures))
    if quote is not None:
        yield from ("", *bill(quote))


def nearest(call: Generation) -> Iterator[str]:
    """Known names that look like the model's."""
    sold = reversed([*BY_NAME, *known_models()])
    known = {model.lower(): f"{seller}/{model}" for seller, model in sold if seller}
    found = difflib.get_close_matches(call.request_model.lower(), known, n=NEAREST, cutoff=0.6)
    if found:
        yield f"known names that are near: {', '.join(known[name] for name in found)}"
    yield "a price of your own goes into the file that price.file names"


def origin(place: Origin) -> Iterator[str]:
    """Where a price stands."""
    yield f"table   {place.table}"
    yield f"entry   {place.entry}{f', valid since {place.since}' if place.since else ''}"
    if place.source:
        yield f"source  {place.source}"
    yield from textwrap.wrap(place.note, 112, initial_indent="note    ", subsequent_indent=" " * 8)


def token_prices(tokens: Tokens) -> Iterator[str]:
    """A model's prices per million tokens, from the lowest threshold on."""
    for tariff in reversed(tokens.tariffs):
        over = f", above {tariff.above:,} input tokens" if tariff.above >= 0 else ""
        for unit, usd in reversed(list(zip(tariff.units, tariff.usd, strict=True))):
            yield f"  {unit:<28}{figure(usd * 1e6):>12} USD per million{over}"
        if tariff.call_usd:
            yield f"  {'call':<28}{figure(tariff.call_usd):>12} USD{over}"


def picture_prices(pictures: Pictures) -> Iterator[str]:
    """A model's prices per picture."""
    default = " ".join(text for text in (pictures.default_quality, pictures.default_size) if text)
    for (quality, size), usd in pictures.usd.items():
        yield f"  {f'{quality} {size}'.strip() or 'any picture':<28}{figure(usd):>12} USD each"
    if default:
        yield f"  a call that names none of it is taken for: {default}"


def bill(quote: Quote) -> Iterator[str]:
    """What the call costs, line by line."""
    if quote.usd is None:
        yield f"cost unknown: {quote.why}"
        return
    for part in quote.parts:
        if part.count:
            each = f"{figure(part.usd_each * 1e6)} per million" if part.unit in PART_OF else figure(part.usd_each)
            yield f"  {part.unit:<28}{part.count:>12,} x {each} = {figure(part.usd)} USD"
    yield f"cost    {figure(quote.usd)} USD"


def figure(usd: float) -> str:
    """An amount with the digits that matter."""
    return f"{usd:.10f}".rstrip("0").rstrip(".")
