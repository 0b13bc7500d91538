"""The dataset of a run, as W&B has it: rows as compressed JSON lines, and `dataset.json`, which tells of them.

Who has downloaded it needs neither the run nor W&B to read every row, in the order in which they were logged.
"""

import gzip
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from spanwand.batch import RunKey
from spanwand.errors import NotReadable
from spanwand.stored.run import Increment

NAME = "dataset.json"
VERSION = 1
MAX_LINE_BYTES = 64 << 20
"""A longer line is none of ours."""


class Partition(msgspec.Struct):
    """One file of rows, one JSON object a line."""

    path: str
    """Relative to `dataset.json`."""
    increments: list[tuple[float, int]] = []
    """What was logged at once, in order: the end of its window in seconds since 1970, and how many rows it has."""


class DatasetTable(msgspec.Struct, kw_only=True):
    """All rows of one table."""

    columns: dict[str, str]
    """Name to type, as in docs/tables.md; an image is the path of its file in the artifacts of the run's Table."""
    rows: int = 0
    revised: int = 0
    """How many of these amend an earlier one of the same trace."""
    weight: float | None = None
    """Sum of `sample_weight` over the rows that amend none: what they stand for. None without such a column."""
    first_time: str | None = None
    last_time: str | None = None
    """Of `start_time`, or `time`."""
    partitions: list[Partition] = []


class Dataset(msgspec.Struct, kw_only=True):
    """What `dataset.json` says. The run's transaction log is `run-<run_id>.wandb`."""

    version: int = VERSION
    tables_version: int
    run_id: str
    run: RunKey
    tables: dict[str, DatasetTable]

    @property
    def begin_s(self) -> float:
        """When its first window ended, in seconds since 1970."""
        ends = (end_s for table in self.tables.values() for part in table.partitions for end_s, _ in part.increments)
        return min(ends, default=0.0)


def load(path: Path) -> Dataset:
    """What the `dataset.json` at `path` says. Raises OSError, NotReadable."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Dataset)
    except msgspec.MsgspecError as error:
        raise NotReadable(f"{path} does not tell of a dataset: {error}") from None
    if found.version != VERSION:
        raise NotReadable(f"{path} is version {found.version}; this reads version {VERSION}")
    return found


def read_increments(path: Path, table: str, notes: list[str]) -> Iterator[Increment]:
    """The rows of one table, as they were logged. Raises OSError, NotReadable. `notes` get what is wrong."""
    found = load(path).tables.get(table)
    if found is None:
        return
    columns = list(found.columns)
    for partition in found.partitions:
        try:
            with gzip.open(_within(path.parent, partition.path)) as file:
                for window_end_s, count in partition.increments:
                    yield Increment(window_end_s, columns, _rows(file, columns, count))
        except FileNotFoundError:
            notes.append(f"{partition.path} is missing")
        except (EOFError, gzip.BadGzipFile, zlib.error, msgspec.MsgspecError):
            notes.append(f"{partition.path} is damaged; its rows end there")


def _within(folder: Path, name: str) -> Path:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise NotReadable(f"{folder / NAME} names a file outside of its folder")
    return path


def _rows(file: gzip.GzipFile, columns: list[str], count: int) -> list[list[Any]]:
    """The next rows. Raises EOFError if there are not so many, MsgspecError."""
    lines = islice(iter(lambda: file.readline(MAX_LINE_BYTES), b""), count)
    rows = [msgspec.json.decode(line, type=dict[str, Any]) for line in lines]
    if len(rows) < count:
        raise EOFError
    return [[row.get(name) for name in columns] for row in rows]
