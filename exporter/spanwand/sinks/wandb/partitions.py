"""Rows of one run into the files of its dataset: JSON lines, a gzip member for each increment, so that a file grows
by appending and none of it stays in memory. The same increments give the same bytes."""

import gzip
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from spanwand.media import Media
from spanwand.stored.cells import fit, image_path
from spanwand.stored.dataset import DatasetTable, Partition
from spanwand.stored.run import Increment
from spanwand.tables import TABLES, Type

PARTITION_BYTES = 8 << 20
"""A file that has reached it is followed by another. Not much larger than the largest Table file: what stands before
W&B may have a limit."""
LEVEL = 1
"""Of compression: 6 takes twice to four times as long for an eighth less."""
_IMAGES = frozenset((Media, dict))
"""What an image is in a row, live or read back."""


class Partitions:
    """Files below `folder`. What raises OSError leaves them in no state to go on with."""

    def __init__(self, folder: Path) -> None:
        self.tables: dict[str, DatasetTable] = {}
        """What was added so far."""
        self._folder = folder

    def add(self, table: str, increment: Increment) -> None:
        """Append an increment. Raises OSError."""
        if not increment.rows:
            return
        told = self.tables.get(table)
        if told is None:
            told = self.tables[table] = DatasetTable(columns={}, partitions=[])
            for folder in (self._folder, self._folder / table):
                folder.mkdir(mode=0o700, exist_ok=True)
        told.columns.update((name, _type(table, name)) for name in increment.columns if name not in told.columns)
        self._append(table, told, increment)
        count(told, increment)

    def _append(self, table: str, told: DatasetTable, increment: Increment) -> None:
        if not told.partitions or self._size(told.partitions[-1]) >= PARTITION_BYTES:
            told.partitions.append(Partition(f"{table}/{len(told.partitions) + 1:05}.jsonl.gz", []))
        partition = told.partitions[-1]
        with (
            (self._folder / partition.path).open("ab") as file,
            gzip.GzipFile(filename="", mode="wb", compresslevel=LEVEL, fileobj=file, mtime=0) as member,
        ):
            for line in lines(increment.columns, increment.rows):
                member.write(line)
        partition.increments.append((increment.window_end_s, len(increment.rows)))

    def _size(self, partition: Partition) -> int:
        return (self._folder / partition.path).stat().st_size


def lines(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """One JSON object a row, every column in each: as far as the row goes."""
    for row in rows:
        is_plain = _IMAGES.isdisjoint(map(type, row))  # as most are: then no cell is asked
        cells = dict(zip(columns, row if is_plain else map(_cell, row), strict=False))
        try:
            yield msgspec.json.encode(cells) + b"\n"
        except UnicodeEncodeError:
            yield msgspec.json.encode({name: _readable(cell) for name, cell in cells.items()}) + b"\n"


def count(told: DatasetTable, increment: Increment) -> None:
    """Take the rows of an increment into the figures of its table."""
    told.rows += len(increment.rows)
    revisions = _column(increment, "revision") or [None] * len(increment.rows)
    told.revised += sum([(revision or 1) > 1 for revision in revisions])
    if weights := _column(increment, "sample_weight"):
        first = [weight or 1.0 for weight, revision in zip(weights, revisions, strict=True) if (revision or 1) == 1]
        told.weight = (told.weight or 0.0) + sum(first)
    times = [time for time in _column(increment, "start_time") or _column(increment, "time") if time]
    told.first_time = min([*times, told.first_time] if told.first_time else times, default=None)
    told.last_time = max([*times, told.last_time] if told.last_time else times, default=None)


def _column(increment: Increment, name: str) -> list[Any]:
    if name not in increment.columns:
        return []
    place = increment.columns.index(name)
    return [row[place] for row in increment.rows]


def _type(table: str, name: str) -> str:
    return next((column.type.value for column in TABLES.get(table, ()) if column.name == name), Type.TEXT.value)


def _cell(cell: Any) -> Any:
    """An image as the path that W&B gives its file, live or read back."""
    if isinstance(cell, Media):
        return f"media/images/{hashlib.sha256(cell.jpeg).hexdigest()[:20]}/{cell.sha256}.jpg"
    return image_path(cell) if isinstance(cell, dict) else cell


def _readable(cell: Any) -> Any:
    """Text that UTF-8 can hold: half a surrogate pair out of an app's JSON it cannot."""
    return fit(cell, Type.TEXT) if isinstance(cell, str) else cell
