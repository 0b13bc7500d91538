"""The `spanwand` command. A subcommand's module is imported only when it is called.

Exit codes: 0 done; 1 could not start, or could not do it; 2 wrong configuration or usage; 130 and 143 a second
SIGINT or SIGTERM cut a stop short.
"""

import gc
import importlib
import os
import sys
from collections.abc import Mapping
from typing import NamedTuple

import click

import spanwand
from spanwand.errors import ConfigError, SpanwandError


class Entry(NamedTuple):
    """Where a subcommand lives, and its line in `spanwand --help`."""

    target: str
    help: str


COMMANDS: Mapping[str, Entry] = {
    "up": Entry("spanwand_sidecar.commands.up:up", "Start the daemon: OTLP in, W&B runs out."),
    "demo": Entry("spanwand_sidecar.commands.demo:demo", "Show it all: a daemon, an app, and what landed."),
    "status": Entry("spanwand_sidecar.commands.status:status", "Ask a running daemon how it is."),
    "read": Entry("spanwand_sidecar.commands.read:read", "Read W&B runs back from disk."),
    "export": Entry("spanwand_sidecar.commands.export:export", "Write the rows of a Table into one file."),
    "sync": Entry("spanwand_sidecar.commands.sync:sync", "Upload runs that are only on disk, and verify them."),
    "journal": Entry("spanwand_sidecar.commands.journal:journal", "Look at a journal: files, damage, what is in it."),
    "replay": Entry("spanwand_sidecar.commands.replay:replay", "Run the line over a journal once more."),
    "prices": Entry("spanwand_sidecar.commands.prices:prices", "Explain what calls of a model cost."),
    "explain": Entry("spanwand_sidecar.commands.explain:explain", "Explain what becomes of the spans in a file."),
    "redact": Entry("spanwand_sidecar.commands.redact:redact", "Show what redaction leaves of a text or of spans."),
    "check-config": Entry("spanwand_sidecar.commands.check_config:check_config", "Print the effective configuration."),
}


class LazyGroup(click.Group):
    """Finds its commands in `COMMANDS`."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Names, in order of the table."""
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].target.partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in `--help`, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(spanwand.__version__, prog_name="spanwand")
def spanwand_command() -> None:
    """OpenTelemetry spans in, Weights & Biases runs out."""
    if not gc.isenabled():  # the command has been imported, and stays
        gc.freeze()
        gc.enable()


def main() -> None:
    """Entry point of the console script."""
    gc.disable()  # imports leave no garbage, and to look for it took an eighth of a start
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # it would read what every installed package declares
    try:
        spanwand_command(prog_name="spanwand")
    except SpanwandError as error:
        click.echo(f"spanwand: {error}", err=True)
        sys.exit(2 if isinstance(error, ConfigError) else 1)
    except OSError as error:
        click.echo(f"spanwand: {error.filename or 'output'}: {error.strerror or error}", err=True)
        sys.exit(1)
    finally:
        gc.enable()
