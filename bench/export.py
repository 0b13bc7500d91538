"""Peak memory of `spanwand export` for a table, and for one four times as long.

    python bench/export.py [--rows 50000]

Each format in a process of its own. Ends with 1 if four times the rows take over a tenth more memory.
"""

import argparse
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from spanwand.batch import Batch, RunKey, RunUpdate
from spanwand.config import LineConfig
from spanwand.sinks.jsonl import open_sink
from spanwand.tables import GENERATIONS, Column, Type, columns

TIMES = 4
MOST_GROWTH = 1.1
BATCH_ROWS = 2_000
FORMATS = ("parquet", "csv", "jsonl")
CHILD = """
import resource, sys
from spanwand_sidecar.entry import main
try:
    main()
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def main() -> int:
    """Print a line per format."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=50_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        homes = [write(Path(folder) / f"{times}", times * rows) for times in (1, TIMES)]
        growths = [measure(homes, form, Path(folder) / f"rows.{form}", rows) for form in FORMATS]
    return 0 if max(growths) <= MOST_GROWTH else 1


def write(home: Path, rows: int) -> Path:
    """A data directory with so many rows, as the `jsonl` sink leaves it."""
    sink, made = open_sink(LineConfig(), home / "jsonl"), columns(GENERATIONS)
    for number, batch in enumerate(batches(rows, made), 1):
        update = RunUpdate(
            run=RunKey(group="bench", job_type="bench", name="one"), config={}, points={}, rows={GENERATIONS: batch}
        )
        sink.write(Batch(seq=number, low=0, start_ns=number * 10**10, end_ns=(number + 1) * 10**10, updates=(update,)))
    sink.close(0)
    return home


def batches(rows: int, made: tuple[Column, ...]) -> Iterator[tuple[tuple[object, ...], ...]]:
    """Rows of every column, no two alike."""
    numbers = random.Random(1)
    make = {
        Type.TEXT: lambda: f"{numbers.getrandbits(64):016x}",
        Type.WHOLE: lambda: numbers.randrange(10_000),
        Type.NUMBER: numbers.random,
    }
    for start in range(0, rows, BATCH_ROWS):
        size = min(BATCH_ROWS, rows - start)
        yield tuple(tuple(make[column.type]() for column in made) for _ in range(size))


def measure(homes: list[Path], form: str, output: Path, rows: int) -> float:
    """How much more memory the longer table takes."""
    peaks = [peak_mib(home, output) for home in homes]
    growth = peaks[1] / peaks[0]
    print(
        f"{form:>8}: {peaks[0]:.0f} MiB for {rows:,} rows, {peaks[1]:.0f} MiB for {TIMES * rows:,}: "
        f"{growth:.2f} times (budget {MOST_GROWTH})",
        flush=True,
    )
    return growth


def peak_mib(home: Path, output: Path) -> float:
    """Largest resident set of an export."""
    command = [sys.executable, "-c", CHILD, "export", str(home), "--output", str(output)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout) / 1_024


if __name__ == "__main__":
    sys.exit(main())
