"""`spanwand explain`."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from spanwand.batch import Verdict
from spanwand.errors import ConfigError
from spanwand.prices.book import Quote
from spanwand.prices.tariff import PART_OF
from spanwand.pseudonym_key import read as read_pseudonym_key
from spanwand.secret_file import SECRET_BYTES
from spanwand_sidecar.commands.prices import figure
from spanwand_sidecar.commands.settings import config_option, load_config
from spanwand_sidecar.config import Config, data_dir
from spanwand_sidecar.explain.fields import Field
from spanwand_sidecar.explain.requests import MAX_BYTES, trace_requests
from spanwand_sidecar.explain.spans import Explain, Explained
from spanwand_sidecar.explain.traces import TotalOfTrace

LONGEST_VALUE = 100
STDIN = "-"


@click.command()
@click.argument("file", metavar="FILE|-")
@config_option
@click.option("--content", is_flag=True, help="Show values as they were sent: UNREDACTED, prompts and secrets too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document per span.")
def explain(file: str, config_file: Path | None, content: bool, as_json: bool) -> None:  # noqa: FBT001  # click
    """Explain what becomes of each span in FILE: dialect, fields and their keys, price, redaction, its row.

    FILE holds OTLP trace requests in protobuf or JSON, gzipped or not, as an SDK sends them or the Collector's file
    exporter writes them. Nothing is stored or sent. Exits 2 if FILE holds no traces.
    """
    config = load_config(config_file).config
    data = read(file)
    try:
        requests = trace_requests(data)
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from None
    line = Explain(config, pseudonym_key(config), raw=content)
    spans = [span for request in requests for span in line(request)]
    totals = line.settle()
    if as_json:
        documents = (*spans, *map(document, totals))
        click.echo(b"\n".join(map(msgspec.json.encode, documents)))
    else:
        lines = (line for item in (*map(render, spans), *map(render_total, totals)) for line in item)
        click.echo("\n".join(lines))


def read(file: str) -> bytes:
    """The bytes of a file or of standard input; not much more than can be explained. Raises ConfigError."""
    try:
        if file == STDIN:
            return sys.stdin.buffer.read(MAX_BYTES + 1)
        with Path(file).open("rb") as opened:
            return opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from None


def pseudonym_key(config: Config) -> bytes:
    """The daemon's secret of pseudonyms if it can be read, else one of this run."""
    try:
        return read_pseudonym_key(config.redact.pseudonym_key_file, data_dir(config))
    except ConfigError:
        if config.redact.pseudonym_key_file:
            raise
        return os.urandom(SECRET_BYTES)


def render(span: Explained) -> Iterator[str]:
    """A span for a person."""
    root = ", root" if span.is_root else ""
    yield f"{span.span_id or '(no id)'} {span.name!r}{root} [{span.scope or 'no scope'}]: {span.why}"
    if not span.dialect:
        return
    took = "its times make no sense" if span.latency_s is None else f"{figure(span.latency_s)} s"
    yield f"  dialect {span.dialect}, operation {span.operation}, counted in {span.counted_in}/…, {took}"
    width = max((len(field.path) for field in span.fields), default=0)
    for field in span.fields:
        yield f"  {field.path:<{width}}  {shown(field)}{f'  <- {field.source}' if field.source else ''}"
    yield from decided(span)


def decided(span: Explained) -> Iterator[str]:
    """What the stages made of its fields."""
    for rule in span.rules:
        yield f"  rule: {rule}"
    if span.unread:
        yield f"  not read: {printable(', '.join(span.unread))}"
    if span.price is not None:
        yield f"  price: {priced(span.price)}"
    patterns = ", ".join(f"{count} {name}" for name, count in span.redacted.items())
    if patterns:
        yield f"  patterns taken out: {patterns}"
    if span.is_counted is not None:
        yield f"  counts: {', '.join(counts(span))}"
    if span.row is not None:
        yield f"  row: {kept(span.row)}"


def counts(span: Explained) -> Iterator[str]:
    """Whether a call counts, and which try it was."""
    yield "once" if span.is_counted else "no, another span reports this call"
    if span.attempt > 1:
        yield f"try {span.attempt}"
    if span.is_retried:
        yield "failed and was tried again: an attempt, no call"
    if span.is_fallback:
        yield "another model was asked before"


def kept(row: Verdict) -> str:
    """What becomes of a Table row."""
    return f"{'kept' if row.keep else 'not kept'}, weight {figure(row.weight)}, because {row.reason}"


TOTALS = ("generations", "errors", "retries", "fallbacks", "input_tokens", "output_tokens", "images", "cost_usd")


def render_total(total: TotalOfTrace) -> Iterator[str]:
    """A request for a person."""
    request = total.request
    known = ((name, getattr(request, name)) for name in TOTALS)
    sums = ", ".join(f"{name} {figure(value)}" for name, value in known if value is not None)
    yield f"request {request.name!r} of trace {request.trace_id.hex()}: {sums}"
    yield f"  row: {kept(total.row)}"


def document(total: TotalOfTrace) -> dict[str, object]:
    """A request for a machine."""
    request = msgspec.to_builtins(total.request)
    return {"request": {**request, "trace_id": total.request.trace_id.hex()}, "row": total.row}


def shown(field: Field) -> str:
    """A value in one line, and what was done to it."""
    value = field.value if isinstance(field.value, str) else msgspec.json.encode(field.value).decode()
    cut = value if len(value) <= LONGEST_VALUE else f"{value[:LONGEST_VALUE]}…"
    text = "" if field.value is None else printable(cut)
    return f"{text} ({field.note})".strip() if field.note else text


def printable(text: str) -> str:
    """A text without anything that a terminal would act on."""
    return text if text.isprintable() else text.encode("unicode_escape").decode()


def priced(quote: Quote) -> str:
    """A cost in one line: the sum, its parts, and where they stand."""
    place = f"; {quote.origin.table}: {quote.origin.entry}" if quote.origin else ""
    if quote.usd is None:
        return f"unknown, {quote.why}{place}"
    parts = [f"{part.count:,} {part.unit} x {_each(part.unit, part.usd_each)}" for part in quote.parts if part.count]
    return f"{figure(quote.usd)} USD = {' + '.join(parts) or 'nothing to charge'}{place}"


def _each(unit: str, usd: float) -> str:
    return f"{figure(usd * 1e6)}/M" if unit in PART_OF else figure(usd)
