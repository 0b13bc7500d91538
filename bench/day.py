"""A day of traffic through the line and the real W&B SDK, offline, with journal time running fast.

    python bench/day.py [--hours 24] [--rate 50] [--window-s 60] [--rotate-h 24]

Prints the memory of this process and of wandb-core at hours 1, 6, 12 and 24, or these shares of fewer hours, then what
was read back beside what went in. Ends with 1 if a row or a call is missing or there twice. Each batch waits for its
proof on disk, up to a second.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from line import KEY
from otlp_requests import BODY_SPANS, FIRST_ROUND, NOW_NS, SECOND_NS, TRACE_SPANS, bodies, llm_attributes
from spanwand.batch import Batch
from spanwand.config import AggregateConfig, LineConfig, WandbConfig
from spanwand.outcomes import Delivered
from spanwand.pipeline import Pipeline
from spanwand.sinks.wandb import core, own_process, records
from spanwand.sinks.wandb.sink import WandbSink
from spanwand.sinks.wandb.spool import recorded
from spanwand.sinks.wandb.transaction_log import TransactionLog
from spanwand.stored.read import files
from spanwand.stored.rows import StoredRows
from spanwand.tables import GENERATIONS, REQUESTS, layout

MARKS = (1 / 24, 1 / 4, 1 / 2, 1)
"""Shares of the whole time: hours 1, 6, 12 and 24 of a day."""
HOUR_NS = 3_600 * SECOND_NS
TRIES = 20


class Options(NamedTuple):
    """What is simulated."""

    hours: float
    rate: float
    window_s: int
    rotate_h: float


class Stored(NamedTuple):
    """What histories say, and how large their rows are."""

    runs: int
    calls: int
    requests: int
    point_bytes: list[tuple[int, int]]
    """Of each run, the mean of its first ten rows of points, and of its last ten."""
    table_bytes: int
    """The largest row that shows a Table."""


def batches(config: LineConfig, options: Options) -> Iterator[tuple[int, Batch]]:
    """Hours of whole requests, each with fresh ids: the journal time passed, in nanoseconds, and the batch."""
    line, requests = Pipeline(config, KEY), bodies(llm_attributes)
    position, arrival_ns, step_ns = 0, NOW_NS, int(BODY_SPANS / options.rate * SECOND_NS)
    for number in range(int(options.hours * HOUR_NS / step_ns)):
        body = requests[number % len(requests)].replace(FIRST_ROUND, f"r{number:07}".encode())
        arrival_ns += step_ns
        if batch := line.traces(position, position := position + len(body), arrival_ns, body):
            yield arrival_ns - NOW_NS, batch
    if batch := line.drain(position, position, arrival_ns):
        yield arrival_ns - NOW_NS, batch


def deliver(sink: WandbSink, batch: Batch) -> None:
    """Hand a batch over, as a daemon would."""
    for _ in range(TRIES):
        if isinstance(sink.write(batch), Delivered):
            return
    sys.exit(f"batch {batch.seq} is not delivered: {sink.write(batch)}")


def memory_mib() -> tuple[float, float]:
    """Resident memory of this process and of wandb-core."""
    owner = core.start()
    return _resident_mib("self"), _resident_mib(owner.core_pid) if owner else 0.0


def _resident_mib(pid: int | str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1_024 for line in lines if line.startswith("VmRSS"))


def run(directory: Path, config: LineConfig, options: Options) -> Counter[str]:
    """Make it all, printing memory on the way. Returns what went in."""
    sink = WandbSink(config.wandb, directory, layout((), 0))
    marks, first, sent, begun = [mark * options.hours for mark in MARKS], 0.0, Counter[str](), time.monotonic()
    for passed_ns, batch in batches(config, options):
        deliver(sink, batch)
        for update in batch.updates:
            sent.update({table: len(rows) for table, rows in update.rows.items()})
            sent["dropped"] += sum(int(n) for name, n in update.points.items() if name.startswith("spanwand/dropped/"))
        while marks and passed_ns >= marks[0] * HOUR_NS * 0.999:
            own, other = memory_mib()
            first = first or own + other
            print(
                f"hour {marks.pop(0):5.2f}: line and SDK {own:5.0f} MiB, wandb-core {other:4.0f} MiB,"
                f" together {(own + other) / first:.2f} x the first, after {time.monotonic() - begun:,.0f} s",
                flush=True,
            )
    sink.close(60)
    return sent


def look(directory: Path) -> Stored:
    """Read the histories of all runs back."""
    runs = [_history(path) for path in sorted(files(directory))]
    sizes = [(sum(points[:10]) // 10, sum(points[-10:]) // 10) for _, points, _ in runs if len(points) >= 20]
    totals = sum((total for total, _, _ in runs), Counter[str]())
    largest = max((size for _, _, tables in runs for size in tables), default=0)
    return Stored(len(runs), totals["llm/requests"], totals["request/count"], sizes, largest)


def _history(path: Path) -> tuple[Counter[str], list[int], list[int]]:
    total, points, tables = Counter[str](), [], []
    for record in recorded(TransactionLog(path)):
        if records.kind(record) == "history":
            row, size = records.history_row(record), record.ByteSize()
            total.update({key: row.get(key, 0) for key in ("llm/requests", "request/count")})
            if "llm/requests" in row:
                points.append(size)
            elif any(map(records.is_table, row.values())):
                tables.append(size)
    return total, points, tables


def main() -> None:
    """Run it, read it back, compare."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--rate", type=float, default=50.0, help="spans a second, of which one in eight is a root")
    parser.add_argument("--window-s", type=int, default=60, help="of the metrics; one batch each")
    parser.add_argument("--rotate-h", type=float, default=24.0, help="age at which runs are followed by others")
    options = Options(**vars(parser.parse_args()))
    config = LineConfig(
        aggregate=AggregateConfig(window_s=options.window_s),
        wandb=WandbConfig(mode="offline", run_max_age_s=int(options.rotate_h * 3_600)),
    )
    with tempfile.TemporaryDirectory(prefix="spanwand-day-") as folder:
        directory = Path(folder) / "wandb"
        own_process(directory)
        sent = run(directory, config, options)
        stored = look(directory)
        read = {table: sum(1 for _ in StoredRows(directory, table)) for table in (GENERATIONS, REQUESTS)}
    steps = int(options.hours * HOUR_NS / int(BODY_SPANS / options.rate * SECOND_NS))
    traces = steps * BODY_SPANS // TRACE_SPANS
    calls = traces * (TRACE_SPANS - 1)
    print(f"{options.hours:g} h at {options.rate:g} spans/s: {steps * BODY_SPANS:,} spans, {stored.runs} runs")
    print(f"calls:    {calls:,} sent, {stored.calls:,} in history, {read[GENERATIONS]:,} rows read back")
    print(f"requests: {traces:,} sent, {stored.requests:,} in history, {read[REQUESTS]:,} rows read back")
    print(f"rows handed over: {sent[GENERATIONS]:,} and {sent[REQUESTS]:,}; dropped {sent['dropped']:,}")
    print(f"bytes of a history row, first and last of each run: {stored.point_bytes}")
    print(f"largest history row that shows a Table: {stored.table_bytes:,} bytes")
    is_whole = {calls} == {stored.calls, read[GENERATIONS]} and {traces} == {stored.requests, read[REQUESTS]}
    sys.exit(0 if is_whole else 1)


if __name__ == "__main__":
    main()
