"""`spanwand redact`."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click
from msgspec.structs import replace

from spanwand.config import RedactConfig
from spanwand.content import Content
from spanwand.drops import Drops
from spanwand.errors import ConfigError
from spanwand.events import Evaluation
from spanwand.operations import Operation
from spanwand.record import Generation, Service
from spanwand.redact import Redact, opened
from spanwand.redactors.documents import scrub_document
from spanwand.redactors.scrub import Scrubber
from spanwand_sidecar.commands.explain import pseudonym_key, read
from spanwand_sidecar.commands.settings import config_option, load_config
from spanwand_sidecar.explain.fields import Field, fields
from spanwand_sidecar.explain.records import Record, records
from spanwand_sidecar.explain.requests import MAX_BYTES

POLICIES = ("counts-only", "redacted", "full")
_SHOWN = 2
_SIGNS = (b"resourceSpans", b"resourceLogs", b"resourceMetrics")
_UNSEEN = {*range(32), *range(0x7F, 0xA0), *range(0x2028, 0x202F), *range(0x2066, 0x206A)} - {*b"\n\t"}
_ESCAPES = {code: chr(code).encode("unicode_escape").decode() for code in _UNSEEN}
"""Of what moves a terminal's cursor, colours it, or turns its lines around: nothing of a file may do that (R22)."""


@click.command()
@click.argument("file", metavar="FILE|-")
@config_option
@click.option("--policy", type=click.Choice(POLICIES), help="Instead of the configured one; for text, `redacted`.")
@click.option("--explain", is_flag=True, help="Say what goes from where by which rule, instead.")
def redact(file: str, config_file: Path | None, policy: str | None, explain: bool) -> None:  # noqa: FBT001  # click
    """Show what redaction leaves of FILE: of a text, of the model calls in OTLP traces, of the events in OTLP logs.

    FILE holds a text, or OTLP requests of traces or logs in protobuf or JSON, gzipped or not. Nothing is stored or
    sent. Secrets are never shown in full; control characters are shown as their escapes.
    """
    config = load_config(config_file).config
    data = read(file)
    try:
        found = list(records(data, config))
    except ConfigError as error:
        if any(sign in data for sign in _SIGNS):
            click.echo(f"spanwand: {file} is taken for a text: {error}", err=True)
        text = text_of(data, file)
        found = [("text", as_call(text))]
        policy = policy or "redacted"
        config = config.model_copy(update={"redact": config.redact.model_copy(update={"content_max_chars": len(text)})})
    if not found:
        click.echo(f"spanwand: {file}: no model call in it, nor an event that is read", err=True)
    chosen = config.redact.model_copy(update={"policy": policy} if policy else {})
    line = Redact(chosen, pseudonym_key(config), Drops())
    for title, record in found:
        for output in explained(title, record, line, chosen) if explain else left(title, record, line):
            click.echo(output.translate(_ESCAPES))


def text_of(data: bytes, file: str) -> str:
    """Raises ConfigError if it is too much."""
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{file}: more than {MAX_BYTES >> 20} MiB")
    return data.decode("utf-8", "replace")


def as_call(text: str) -> Generation:
    """A text as what was said to a model."""
    return Generation(
        trace_id=bytes(16),
        span_id=bytes(8),
        start_ns=0,
        end_ns=0,
        service=Service(),
        dialect="",
        operation=Operation.CHAT,
        content=Content(input=text),
        attributes={},
        sources={},
    )


def cleaned(record: Record, line: Redact) -> Record:
    """A record as it leaves."""
    if isinstance(record, Evaluation):
        return replace(line.evaluation(record), response_id="")  # by which `gather` has found the call
    return opened(line(record))


def left(title: str, record: Record, line: Redact) -> Iterator[str]:
    """What is left of a text; or of a record, field by field."""
    clean = cleaned(record, line)
    if title == "text" and isinstance(clean, Generation):
        yield clean.content.input
        return
    yield title
    for field in fields(record, clean, raw=False):
        yield f"  {field.path}: {field.value if field.value not in (None, '') else '-'}"


def explained(title: str, record: Record, line: Redact, config: RedactConfig) -> Iterator[str]:
    """What goes from where, and by which rule."""
    before = Counter(line.counts)
    gone = [field for field in fields(record, cleaned(record, line), raw=True) if field.note]
    yield title if gone else f"{title}: nothing goes"
    for field in gone:
        yield f"  {'text' if title == 'text' else place(field)}: {field.note}"
        if isinstance(field.value, str) and field.path != "user":
            yield from (f"    {finding}" for finding in findings(field.value))
    own = {rule.name for rule in config.rules}
    done = {name: count for name, count in (Counter(line.counts) - before).items() if name in own}
    yield from (f"  rule {name}: {count}" for name, count in done.items())


def place(field: Field) -> str:
    """A field, and the attribute it was read from."""
    return f"{field.path} ({field.source})" if field.source else field.path


def findings(text: str) -> list[str]:
    """Each pattern's finds in a text: the line it is in, and how it begins."""
    found: list[str] = []

    def note(name: str, secret: str) -> str:
        at = text.find(secret)
        line = "encoded" if at < 0 else f"line {text.count(chr(10), 0, at) + 1}"
        found.append(f"{name}, {line}: {hint(secret)}")
        return f"[{name}]"

    scrubber = Scrubber(act=note)
    found.clear()  # a scrubber proves its patterns first
    scrub_document(text, scrubber)
    return list(dict.fromkeys(found))


def hint(secret: str) -> str:
    """Enough of a secret to find it again, and not to use it."""
    shown = secret[:_SHOWN] if len(secret) > 4 * _SHOWN else ""
    return f"{shown}… ({len(secret)} characters)"
