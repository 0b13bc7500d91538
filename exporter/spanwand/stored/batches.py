"""Reads the `jsonl` sink's batches back as the runs they would have made."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec

from spanwand.batch import RunKey
from spanwand.errors import NotReadable
from spanwand.metrics import BATCH, WINDOW_END
from spanwand.stored.run import Increment, StoredRun, StoredTable, merge_rows
from spanwand.summary import Summary


class Window(msgspec.Struct):
    """The window a line is about."""

    end_ns: int


class Line(msgspec.Struct):
    """One line of `batches.jsonl`: what one batch adds to one run."""

    seq: int
    parts: int
    window: Window
    run: RunKey
    config: dict[str, Any]
    tags: list[str]
    points: dict[str, float | int]
    rows: dict[str, list[dict[str, Any]]]


def read_batches(path: Path, source: str) -> list[StoredRun]:
    """One run per run key, of the whole batches of a file. Raises OSError, NotReadable."""
    runs: dict[RunKey, StoredRun] = {}
    summaries: defaultdict[RunKey, Summary] = defaultdict(Summary)
    notes: list[str] = []
    for line in whole_batches(_lines(path), notes):
        run = runs.get(line.run)
        if run is None:
            run = runs[line.run] = _run(line, f"{source}:{len(runs) + 1}", source)
        _add(run, line)
        run.summary |= summaries[line.run].add(line.points)
    for run in runs.values():
        run.notes += notes
    return list(runs.values())


def read_increments(path: Path, table: str, notes: list[str]) -> Iterator[Increment]:
    """The rows of one table, one batch of one run at a time. Raises OSError, NotReadable. `notes` get what is wrong."""
    for line in whole_batches(_lines(path), notes):
        if rows := line.rows.get(table):
            yield Increment(line.window.end_ns / 1e9, list(rows[0]), [list(row.values()) for row in rows])


def whole_batches(lines: Iterable[Line], notes: list[str]) -> Iterator[Line]:
    """The lines of batches of which every line is there; the sink writes the others again."""
    for seq, batch in groupby(lines, attrgetter("seq")):
        found = list(batch)
        if len(found) == found[0].parts:
            yield from found
        else:
            notes.append(f"batch {seq} is incomplete and was passed over")


def _lines(path: Path) -> Iterator[Line]:
    with path.open("rb") as file:
        for number, text in enumerate(file, 1):
            if not text.endswith(b"\n"):
                return
            try:
                yield msgspec.json.decode(text, type=Line)
            except msgspec.MsgspecError as error:
                raise NotReadable(f"{path}:{number}: not a line of batches: {error}") from None


def _run(line: Line, run_id: str, source: str) -> StoredRun:
    key = line.run
    return StoredRun(
        id=run_id,
        entity=key.entity,
        project=key.project,
        group=key.group,
        job_type=key.job_type,
        name=key.name,
        tags=line.tags,
        state="finished",
        config=line.config,
        source=source,
    )


def _add(run: StoredRun, line: Line) -> None:
    if line.points:
        run.history.append({**line.points, WINDOW_END: line.window.end_ns / 1e9, BATCH: line.seq})
    for name, rows in line.rows.items():
        if rows:
            table = run.tables.setdefault(name, StoredTable(columns=[], rows=[]))
            table.increments += 1
            merge_rows(table, list(rows[0]), [list(row.values()) for row in rows])
