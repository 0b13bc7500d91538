"""`spanwand journal`: for operators. All of it only reads, and works beside a running daemon."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from spanwand_sidecar.commands.frames import Show, document
from spanwand_sidecar.commands.places import directory_argument, find_journal, line, unreadable_is_2
from spanwand_sidecar.commands.settings import config_option, load_config
from spanwand_sidecar.config import Config
from spanwand_sidecar.journal.frame import Damage, Frame, Stored
from spanwand_sidecar.journal.segment import SEGMENT_HEADER_BYTES, Segment, missing
from spanwand_sidecar.journal.watch import Watched, key_of

LINE = "{file}  {from:>16} to {to:>16}  {bytes:>12} B  key {key:.12}  {after}"


@click.group()
def journal() -> None:
    """Look at a journal: its files, whether it is whole, what is in it. Nothing is changed.

    DIR is a journal or a data directory; without it, that of the configuration. Exits 2 if there is no journal, if it
    is of a newer version, or if its key is missing where it is needed.
    """


@journal.command()
@directory_argument
@config_option
@click.option("--json", "as_json", is_flag=True, help="One JSON document per file.")
def ls(directory: Path | None, config_file: Path | None, as_json: bool) -> None:  # noqa: FBT001  # click
    """List the files: positions, size, name of the key, last arrival before it. Needs no key."""
    with unreadable_is_2():
        watched = find_journal(directory, load_config(config_file).config)
    for segment in watched.segments:
        click.echo(msgspec.json.encode(_entry(segment)) if as_json else LINE.format(**_entry(segment)))


@journal.command()
@directory_argument
@config_option
@click.option("--without-key", is_flag=True, help="Check what lies on disk by its checksums; do not unseal it.")
def verify(directory: Path | None, config_file: Path | None, without_key: bool) -> None:  # noqa: FBT001  # click
    """Check every frame; exits 1 if one is damaged or missing."""
    config = load_config(config_file).config
    with unreadable_is_2():
        watched = find_journal(directory, config)
        items = watched.stored() if without_key else watched.frames(key_of(watched, config.journal))
    kinds: Counter[str] = Counter()
    problems = 0
    for problem in _problems(watched, items, kinds):
        click.echo(problem)
        problems += 1
    counted = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    verdict = f"{problems} PROBLEMS" if problems else "whole"
    click.echo(f"{sum(kinds.values())} frames ({counted}) in {len(watched.segments)} files: {verdict}")
    raise SystemExit(1 if problems else 0)


@journal.command()
@directory_argument
@config_option
@click.option("--from", "position", type=click.IntRange(0), default=0, help="First position; else all that is kept.")
@click.option("--spans", is_flag=True, help="With the model calls in it, redacted as configured.")
@click.option("--raw", is_flag=True, help="With all spans as they were sent: UNREDACTED, prompts and secrets too.")
def cat(directory: Path | None, config_file: Path | None, position: int, spans: bool, raw: bool) -> None:  # noqa: FBT001  # click
    """Print one JSON line per frame."""
    config = load_config(config_file).config
    with unreadable_is_2():
        watched = find_journal(directory, config)
        items = watched.frames(key_of(watched, config.journal), position)
        show = _show(watched, config, spans=spans, raw=raw)
    for item in items:
        click.echo(msgspec.json.encode(document(item, show)))


def _show(watched: Watched, config: Config, *, spans: bool, raw: bool) -> Show:
    return Show(calls=line(watched, config).calls if spans else None, raw=raw)


def _problems(watched: Watched, items: Iterator[Frame | Stored | Damage], kinds: Counter[str]) -> Iterator[str]:
    """What is wrong, in words; `kinds` counts what is right."""
    gone = missing(watched.segments)
    for segment in watched.segments:
        if segment.header is None and segment.size_bytes >= SEGMENT_HEADER_BYTES:
            yield f"damaged: the header of {segment.path.name}"
    for item in items:
        if isinstance(item, Damage):
            if item in gone:
                yield f"missing: from {item.start} to {item.end}"
            elif item.end < watched.end:
                yield f"damaged: from {item.start} to {item.end}"
            else:
                click.echo(f"tail: {item.end - item.start} bytes behind the last frame, torn or being written")
        else:
            kinds[(item if isinstance(item, Frame) else item.header).kind.name.lower()] += 1


def _entry(segment: Segment) -> dict[str, str | int]:
    header = segment.header
    return {
        "file": segment.path.name,
        "from": segment.base,
        "to": segment.end,
        "bytes": segment.size_bytes,
        "key": "header damaged" if header is None else header.key_id.hex() or "not sealed",
        "after": _time(header.arrival_ns) if header and header.arrival_ns else "",
    }


def _time(epoch_ns: int) -> str:
    return datetime.fromtimestamp(epoch_ns / 1e9, UTC).isoformat(timespec="seconds")
