"""`spanwand read`."""

from collections.abc import Sequence
from pathlib import Path

import click
import msgspec
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from spanwand.errors import NotReadable
from spanwand.read import read as read_path
from spanwand.stored_run import Stored, StoredRun

TOTALS = {
    "requests": ("llm/requests", "diffusion/requests"),
    "errors": ("llm/errors", "diffusion/errors"),
    "tokens in": ("llm/input_tokens",),
    "tokens out": ("llm/output_tokens",),
    "images": ("diffusion/images",),
    "cost USD": ("llm/cost_usd", "diffusion/cost_usd"),
}
"""Column of the overview -> metrics whose history it sums."""


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON document (docs/read.md).")
def read(path: Path, as_json: bool) -> None:  # noqa: FBT001  # click
    """Read W&B runs back from disk.

    PATH is a .wandb file, a run's folder, a W&B folder, a batches.jsonl file or a data directory. Exits 2 if there is
    nothing that can be read.
    """
    try:
        stored = read_path(path)
    except NotReadable as error:
        click.echo(f"spanwand: {error}", err=True)
        raise SystemExit(2) from None
    if as_json:
        click.echo(msgspec.json.encode(stored))
    else:
        show(stored, Console())


def show(stored: Stored, console: Console) -> None:
    """Print runs with their totals, what their Tables hold, and what is wrong."""
    console.print(overview(stored.runs))
    for run in stored.runs:
        held = ", ".join(f"{len(table.rows):,} rows in {name}" for name, table in run.tables.items())
        console.print(Text(f"{run.id}  {label(run)}: {run.state}, {len(run.history):,} steps; {held or 'no tables'}"))
        for note in run.notes:
            console.print(Text(f"  ! {note}"))


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


def label(run: StoredRun) -> str:
    """A run as people call it."""
    return f"{run.group} / {run.name}" if run.group else run.name or run.id


def total(run: StoredRun, keys: tuple[str, ...]) -> float:
    """The sum of some metrics over a run's history."""
    return sum(row.get(key) or 0 for row in run.history for key in keys)


def number(value: float) -> str:
    """A figure as people read it."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4f}"
