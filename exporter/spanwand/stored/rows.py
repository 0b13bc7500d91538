"""The rows of one table over all that sinks left below a path, with one increment of them in memory at a time.

Everything is read once for the columns and once for the rows; `requests` once more if late spans amended some. What is
written meanwhile is left out, so a daemon may go on.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice, pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from spanwand.errors import NotReadable
from spanwand.sinks.wandb import stored
from spanwand.stored import batches, dataset
from spanwand.stored.cells import fit
from spanwand.stored.dataset import NAME, load
from spanwand.stored.read import files
from spanwand.stored.run import Increment
from spanwand.tables import TABLES, Column, Type

Place = tuple[int, int, int]
"""One row: which file, which increment of it, which row of that."""

_WEIGHT = "sample_weight"
_READERS = {".jsonl": batches.read_increments, ".json": dataset.read_increments}


class _Revision(NamedTuple):
    """One row of a trace in `requests`; they sort by time."""

    window_end_s: float
    revision: int
    place: Place
    weight: float


class StoredRows:
    """All rows of a table: columns of `tables` first, then configured attributes, as text.

    Of a trace whose row in `requests` late spans amended, only the last row is there, with the lowest weight of all.
    """

    def __init__(self, path: Path, table: str) -> None:
        """Looks through everything once. Raises NotReadable."""
        self.notes: list[str] = []
        """What is wrong with the files, in words."""
        self.unfit: Counter[str] = Counter()
        """Cells by column that were not of its type, and are empty for that."""
        self._sources = [_Source(file, table) for file in find_files(path)]
        names, amended = self._look_through()
        own = TABLES[table]
        known = {column.name for column in own}
        self.columns = own + tuple(Column(name, Type.TEXT, "configured") for name in names if name not in known)
        self._revised = self._revise(amended) if amended else {}

    def __iter__(self) -> Iterator[list[Any]]:
        """Rows in the order in which they were logged, file by file. Raises NotReadable."""
        for source_number, source in enumerate(self._sources):
            for number, increment in enumerate(source.increments()):
                places = [_position(increment.columns, column.name) for column in self.columns]
                for row_number, row in enumerate(increment.rows):
                    place = source_number, number, row_number
                    if place not in self._revised:
                        yield self._row(row, places)
                    elif (weight := self._revised[place]) is not None:
                        yield self._reweighted(self._row(row, places), weight)

    def _row(self, row: Sequence[Any], places: Sequence[int]) -> list[Any]:
        cells = []
        for column, place in zip(self.columns, places, strict=True):
            found = None if place < 0 else row[place]
            cell = fit(found, column.type)
            if cell is None and found is not None:
                self.unfit[column.name] += 1
            cells.append(cell)
        return cells

    def _reweighted(self, row: list[Any], weight: float) -> list[Any]:
        return [weight if column.name == _WEIGHT else cell for column, cell in zip(self.columns, row, strict=True)]

    def _look_through(self) -> tuple[list[str], set[tuple[Path, str]]]:
        """All column names, and the traces with amended rows."""
        names: dict[str, None] = {}
        amended = set()
        for source in self._sources:
            for increment in source.look_through(self.notes):
                names.update(dict.fromkeys(increment.columns))
                amended |= {(source.home, trace_id) for trace_id, revision, _ in _revisions(increment) if revision > 1}
        return list(names), amended

    def _revise(self, traces: set[tuple[Path, str]]) -> Mapping[Place, float | None]:
        """None for each row that a later one of its trace amends, and the weight of the one that stays.

        Any of them is there with the highest of their probabilities: that is the lowest weight. A trace that went on
        after it was forgotten has rows that are no revisions of each other; those stay.
        """
        rows: defaultdict[tuple[Path, str], list[_Revision]] = defaultdict(list)
        for source_number, source in enumerate(self._sources):
            for number, increment in enumerate(source.increments()):
                for row_number, (trace_id, revision, weight) in enumerate(_revisions(increment)):
                    if (source.home, trace_id) in traces:
                        place = source_number, number, row_number
                        found = _Revision(increment.window_end_s, revision, place, weight)
                        rows[source.home, trace_id].append(found)
        revised: dict[Place, float | None] = {}
        for revisions in rows.values():
            revised |= _lowest_weights(sorted(revisions))
        return revised


class _Source:
    """One file with rows of a table, as it was when it was first looked through."""

    def __init__(self, path: Path, table: str) -> None:
        self.home = home_of(path)
        self._path = path
        self._table = table
        self._count = 0

    def look_through(self, notes: list[str]) -> Iterator[Increment]:
        """All increments, for the first time. Raises NotReadable."""
        for increment in self._read(notes):
            self._count += 1
            yield increment

    def increments(self) -> Iterator[Increment]:
        """The same ones again. Raises NotReadable."""
        return islice(self._read([]), self._count)

    def _read(self, notes: list[str]) -> Iterator[Increment]:
        read = _READERS.get(self._path.suffix, stored.read_increments)
        found: list[str] = []
        try:
            yield from read(self._path, self._table, found)
        except OSError as error:
            raise NotReadable(f"{error.filename or self._path}: {error.strerror}") from None
        notes += [f"{self._path.parent.name}: {note}" for note in found]


def find_files(path: Path) -> list[Path]:
    """The files at or below `path` that hold rows, oldest first. Raises NotReadable if there is none.

    Of a data directory where several sinks hold the same calls, those of `jsonl`: nothing of it is ever removed. Of a
    run that is there itself and as a dataset, or twice as one, one.
    """
    if not path.exists():
        raise NotReadable(f"{path}: no such file or folder")
    runs = sorted(files(path), key=lambda file: (file.parent.name, file.name))
    found = runs + find_datasets(path, {file.stem for file in runs})
    if not found:
        raise NotReadable(f"{path}: no run in it")
    complete = {home_of(file) for file in found if file.suffix == ".jsonl"}
    return [file for file in found if file.suffix == ".jsonl" or home_of(file) not in complete]


def find_datasets(path: Path, runs: Collection[str]) -> list[Path]:
    """The datasets at or below `path`, oldest first, but of `runs`; of several of one run, the one with most rows."""
    found = [(load(file), file) for file in ([path] if path.name == NAME else path.rglob(NAME))]
    found.sort(key=lambda each: sum(table.rows for table in each[0].tables.values()))
    latest = {told.run_id: (told.begin_s, file) for told, file in found if f"run-{told.run_id}" not in runs}
    return [file for _, file in sorted(latest.values())]


def home_of(file: Path) -> Path:
    """The data directory that a sink's file is in: `<home>/jsonl/batches.jsonl`, `<home>/wandb/wandb/<run>/<log>`.

    Datasets that lie side by side count as of one.
    """
    parents = file.absolute().parents
    depth = 3 if file.suffix == ".wandb" else 1
    return parents[min(depth, len(parents) - 1)]


def _revisions(increment: Increment) -> Iterator[tuple[str, int, float]]:
    """Trace id, revision and weight of each row, if the table has such."""
    names = ("trace_id", "revision", _WEIGHT)
    if set(names) <= set(increment.columns):
        read = itemgetter(*map(increment.columns.index, names))
        for trace_id, revision, weight in map(read, increment.rows):
            yield trace_id, revision or 1, weight or 1.0


def _lowest_weights(rows: Sequence[_Revision]) -> dict[Place, float | None]:
    """Of the rows of one trace in order of time: None for one that the next amends, else its weight."""
    weights: dict[Place, float | None] = {}
    lowest = rows[0].weight
    for before, after in pairwise(rows):
        is_amended = after.revision > 1
        weights[before.place] = None if is_amended else lowest
        lowest = min(lowest, after.weight) if is_amended else after.weight
    return {**weights, rows[-1].place: lowest}


def _position(columns: Sequence[str], name: str) -> int:
    return columns.index(name) if name in columns else -1
