"""Batches with known content for the offline W&B sink, and whether each of them is on disk once."""

from collections.abc import Iterable
from pathlib import Path

from spanwand.batch import Batch, RunKey, RunUpdate
from spanwand.config import WandbConfig
from spanwand.stored.read import read
from spanwand.stored.run import StoredRun
from spanwand.tables import columns

OFFLINE = WandbConfig(mode="offline", project="shop")
WINDOW_NS = 10**10
REQUESTS = columns("requests")


def row(trace: int) -> tuple[object, ...]:
    cells = {"trace_id": f"{trace:032x}", "latency_s": trace / 8, "generations": trace, "name": "say \u00e9 \n\x00"}
    return tuple(cells.get(column.name) for column in REQUESTS)


def update(name: str, number: int, rows: int) -> RunUpdate:
    return RunUpdate(
        run=RunKey(group="checkout@prod", job_type="checkout", name=name),
        config={"service": "checkout", "replicas": 3},
        tags=("prod", "spanwand"),
        points={"llm/requests": number, "llm/cost_usd": number / 4, "llm/latency_s/p50": 0.5},
        rows={"requests": tuple(row(number * 10 + index) for index in range(rows))},
    )


def batch(number: int, names: Iterable[str] = ("one", "two")) -> Batch:
    """Batch `number`: for every run `number` requests, and rows if it is even."""
    updates = tuple(update(name, number, 2 * (number % 2 == 0)) for name in names)
    start = number * WINDOW_NS
    return Batch(seq=number * 1000, low=0, start_ns=start, end_ns=start + WINDOW_NS, updates=updates)


def requests(runs: Iterable[StoredRun], name: str) -> list[int]:
    """`llm/requests` of all runs of that name, as they were logged."""
    return sorted(step["llm/requests"] for run in runs if run.name == name for step in run.history)


def traces(runs: Iterable[StoredRun], name: str) -> list[int]:
    """Trace numbers of the rows of all runs of that name."""
    found = (run.tables["requests"].rows for run in runs if run.name == name and run.tables)
    return sorted(int(cells[0], 16) for rows in found for cells in rows)


def expected_traces(numbers: Iterable[int]) -> list[int]:
    return [number * 10 + index for number in numbers if number % 2 == 0 for index in range(2)]


def exactly_once(directory: Path, numbers: Iterable[int], names: Iterable[str] = ("one", "two")) -> bool:
    """Whether every batch is in every run key once, points and rows."""
    numbers, runs = list(numbers), read(directory).runs
    return all(requests(runs, name) == numbers and traces(runs, name) == expected_traces(numbers) for name in names)


def core_of(pid: int) -> int:
    """The process id of a process's wandb-core."""
    children = (int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    return next(child for child in children if "wandb-core" in Path(f"/proc/{child}/comm").read_text())
