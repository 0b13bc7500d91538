"""What the demo prints: progress while it runs, what landed, and whether it is right."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from spanwand.stored.run import StoredRun
from spanwand.tables import GENERATIONS, REQUESTS
from spanwand_sidecar.demo import joules
from spanwand_sidecar.demo.checks import Check
from spanwand_sidecar.demo.run import Result, Watch
from spanwand_sidecar.demo.sums import in_metrics, rows_of

HEADINGS = ("calls", "errors", "input", "output", "cached", "images", "cost", "comics", "p95 s")


@contextmanager
def watching(console: Console, comics: int) -> Iterator[Watch]:
    """A progress bar on a terminal, else a line per event."""
    if not console.is_terminal:
        yield lambda _, text: console.print(text, highlight=False)
        return
    columns = (TextColumn("[bold]comics"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("starting", total=comics)
        yield lambda done, text: progress.update(task, completed=done, description=text)


def landed(runs: Sequence[StoredRun]) -> Table:
    """One line per run that holds model calls."""
    groups = ", ".join(sorted({run.group for run in runs if GENERATIONS in run.tables}))
    title = f"What landed in W&B, group {groups}"
    table = Table("run", box=SIMPLE, padding=0, title=title, title_justify="left", title_style="bold")
    for heading in HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    for run in runs:
        if GENERATIONS in run.tables:
            table.add_row(run.name, *_cells(run))
    return table


def _cells(run: StoredRun) -> Iterator[str]:
    sums = in_metrics(run)
    counts = (sums.requests, sums.errors, sums.input_tokens, sums.output_tokens, sums.cached_input_tokens, sums.images)
    yield from (f"{count:,}" for count in counts)
    yield f"${sums.cost_usd:.4f}"
    yield str(sum(1 for _ in rows_of(run, REQUESTS)))
    latencies = sorted(row["latency_s"] for row in rows_of(run, GENERATIONS))
    yield f"{latencies[math.ceil(0.95 * len(latencies)) - 1]:.3f}" if latencies else "-"


def verdict(checks: Sequence[Check], console: Console) -> None:
    """One line if all is right, else every number that is not."""
    wrong = [check for check in checks if not check.equal]
    if not wrong:
        console.print(f"[green]✓[/green] {len(checks)} sums equal what the app counted and the API answered, exactly.")
        return
    table = Table("sum", "place", "sent", "landed", box=SIMPLE, title=f"{len(wrong)} of {len(checks)} sums differ")
    for check in wrong:
        table.add_row(check.what, check.place, str(check.sent), str(check.landed))
    console.print(table)


def everything(result: Result, console: Console, *, kept: bool) -> None:
    """The end of a demo."""
    console.print(landed(result.runs))
    console.print(joules.table(result.runs))
    console.print(joules.balance(result.runs), highlight=False)
    verdict(result.checks, console)
    if kept:
        where(result, console)


def where(result: Result, console: Console) -> None:
    """Where the data is, and what to try next."""
    folder = result.data_dir
    console.print(f"The runs are in {folder}/wandb ({result.seconds:.0f} s in all). Try next:", soft_wrap=True)
    for command, what in (
        (f"spanwand read {folder}", "runs, metrics and Tables"),
        ("spanwand up", "the daemon for your own app; then OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317"),
    ):
        console.print(f"  [bold]{command}[/bold]  [dim]# {what}[/dim]", soft_wrap=True, highlight=False)
