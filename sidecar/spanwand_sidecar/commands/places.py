"""Where a command that only reads finds a journal and its keys."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from spanwand.errors import SpanwandError
from spanwand.pipeline import Pipeline
from spanwand.pseudonym_key import read as read_pseudonym_key
from spanwand_sidecar.config import Config, data_dir
from spanwand_sidecar.journal.watch import Watched, watch

directory_argument = click.argument("directory", metavar="[DIR]", required=False, type=click.Path(path_type=Path))


@contextmanager
def unreadable_is_2() -> Iterator[None]:
    """Whatever keeps a command from reading ends it with one line and exit code 2."""
    try:
        yield
    except SpanwandError as error:
        click.echo(f"spanwand: {error}", err=True)
        raise SystemExit(2) from None


def find_journal(directory: Path | None, config: Config) -> Watched:
    """The journal in a directory, else the configured daemon's. Raises SpanwandError."""
    return watch(directory.absolute() if directory else data_dir(config))


def line(watched: Watched, config: Config) -> Pipeline:
    """The line as the journal's daemon runs it: with its secret of pseudonyms. Raises ConfigError without one."""
    return Pipeline(config, read_pseudonym_key(config.redact.pseudonym_key_file, watched.directory.parent))
