"""`spanwand read`."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import click
import msgspec
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from spanwand.errors import NotReadable
from spanwand.stored.estimate import totals
from spanwand.stored.read import read as read_path
from spanwand.stored.run import Stored, StoredRun
from spanwand_sidecar.commands.settings import config_option, load_config
from spanwand_sidecar.config import data_dir

TOTALS = {
    "calls": ("llm/requests", "diffusion/requests"),
    "errors": ("llm/errors", "diffusion/errors"),
    "tokens in": ("llm/input_tokens",),
    "tokens out": ("llm/output_tokens",),
    "images": ("diffusion/images",),
    "cost USD": ("llm/cost_usd", "diffusion/cost_usd"),
}
"""Column of the overview -> metrics whose history it sums."""
PIPED_COLUMNS = 160
"""Width where there is no terminal."""


@click.command()
@click.argument("path", metavar="[PATH]", required=False, type=click.Path(path_type=Path))
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON document (docs/read.md).")
def read(path: Path | None, config_file: Path | None, as_json: bool) -> None:  # noqa: FBT001  # click
    """Read W&B runs back from disk.

    PATH is a .wandb file, a run's folder, a W&B folder, a batches.jsonl file or a data directory; without it, the data
    directory of the configuration. Exits 2 if there is nothing that can be read.
    """
    try:
        stored = read_path(path or data_dir(load_config(config_file).config))
    except NotReadable as error:
        click.echo(f"spanwand: {error}", err=True)
        raise SystemExit(2) from None
    if as_json:
        click.echo(msgspec.json.encode(stored))
    else:
        console = Console()
        show(stored, console if console.is_terminal else Console(width=PIPED_COLUMNS))


def show(stored: Stored, console: Console) -> None:
    """Print runs with their totals, what their Tables hold, and what is wrong."""
    if not stored.runs:
        console.print("no runs yet")
    for runs in copies(stored.runs):
        console.print(overview(runs))
        if any(run.tables for run in runs):
            console.print(sampled(runs))
    for run in stored.runs:
        held = ", ".join(f"{len(table.rows):,} rows in {name}" for name, table in run.tables.items())
        line = f"{run.id}  {label(run)}: {run.state}, {len(run.history):,} steps; {held or 'no tables'}"
        console.print(Text(line), soft_wrap=True)
        for note in run.notes:
            console.print(Text(f"  ! {note}"), soft_wrap=True)


def copies(runs: Sequence[StoredRun]) -> Iterator[list[StoredRun]]:
    """The runs by the kind of file they are in: the sinks of one daemon all hold the same calls."""
    for _, copy in groupby(sorted(runs, key=kind), key=kind):
        yield list(copy)


def kind(run: StoredRun) -> str:
    """`.wandb` or `.jsonl`."""
    return Path(run.source).suffix


def overview(runs: Sequence[StoredRun]) -> Table:
    """One line per run with its totals, and their sum."""
    table = Table(box=SIMPLE, show_footer=True, padding=(0, 1, 0, 0))
    table.add_column("run", footer=f"{len(runs)} run{'' if len(runs) == 1 else 's'}", min_width=20, overflow="fold")
    for title, keys in TOTALS.items():
        footer = number(sum(total(run, keys) for run in runs))
        table.add_column(title, justify="right", footer=footer)
    for run in runs:
        table.add_row(Text(label(run)), *(number(total(run, keys)) for keys in TOTALS.values()))
    return table


def sampled(runs: Sequence[StoredRun]) -> Table:
    """The totals that metrics count, and those that the rows of Tables estimate."""
    table = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    for title in ("all runs", "by metrics", "by rows", "± (99 %)"):
        table.add_column(title, justify="left" if title == "all runs" else "right")
    for name, found in totals(runs).items():
        places = 6 if name.endswith("_usd") else 0  # counts are whole
        table.add_row(name, *(number(round(value, places)) for value in (found.exact, found.estimate, found.error)))
    return table


def label(run: StoredRun) -> str:
    """A run as people call it."""
    return f"{run.group} / {run.name}" if run.group else run.name or run.id


def total(run: StoredRun, keys: tuple[str, ...]) -> float:
    """The sum of some metrics over a run's history."""
    return sum(row.get(key) or 0 for row in run.history for key in keys)


def number(value: float) -> str:
    """A figure as people read it; a small cost keeps its digits."""
    if float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:,.4f}" if abs(value) >= 0.01 else f"{value:.6f}"
