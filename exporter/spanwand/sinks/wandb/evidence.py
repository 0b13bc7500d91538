"""What a run's transaction log proves: which parts of which batches are in.

`run.log()` and `finish()` succeed on a full disk, after a final refusal by the server and just before a crash. The
log on disk is the first thing that is true (design §1). A part of a batch is its points, or its rows of one table.

Of rows it holds the artifact, and so a way to send them later, only if the run is offline. Online wandb keeps
artifacts out of the log: what proves rows there is W&B's word that it has committed them (`upload`).
"""

import os
from pathlib import Path
from typing import Any, NamedTuple

from spanwand.metrics import BATCH, ROWS_LEFT, WINDOW_END
from spanwand.sinks.wandb import records
from spanwand.sinks.wandb.directories import staged_file
from spanwand.sinks.wandb.transaction_log import TransactionLog

POINTS = ""
"""The part that holds a batch's metrics; every other part is named after its table."""


class Position(NamedTuple):
    """A batch as history knows it. Both only grow along one journal; a new journal starts at a later time.

    `rows_left` of its rows come behind this place: not 0 only if W&B refused to take them all at once.
    """

    seq: int
    window_end_s: float
    rows_left: int = 0

    @property
    def batch(self) -> tuple[int, float]:
        """Which batch it is."""
        return self.seq, self.window_end_s

    def covers(self, other: "Position") -> bool:
        """Whether `other` is this place or one before it."""
        if other.seq == self.seq and other.rows_left < self.rows_left:
            return False
        return other.seq <= self.seq and other.window_end_s <= self.window_end_s


class Doubt(NamedTuple):
    """Rows that were handed to W&B, of which nobody heard whether it has them: it has if `artifact` holds `file`."""

    position: Position
    artifact: str
    file: str


class Evidence:
    """The proof for one run, brought up to date by reading what its log has grown by."""

    def __init__(self, path: Path, *, is_online: bool) -> None:
        self.path = path
        self.confirmed: dict[str, Position] = {}
        """Online: the last batch of each table whose rows W&B has."""
        self._seen: dict[str, Position] = {}
        self._logged: dict[str, Doubt] = {}
        self._has_ended = False
        self._is_online = is_online
        self._log = TransactionLog(path)
        self._staged: dict[str, list[Path]] = {}
        self._unsynced: list[Path] = []

    @property
    def log_bytes(self) -> int:
        """Size of the log as far as it was read."""
        return self._log.offset

    @property
    def parts(self) -> dict[str, Position]:
        """The last batch of each part that is in."""
        points = {part: position for part, position in self._seen.items() if part == POINTS or not self._is_online}
        return points | self.confirmed

    @property
    def doubts(self) -> dict[str, Doubt]:
        """Online: the last rows of each table that are in the log, if they are not confirmed."""
        return {part: one for part, one in self._logged.items() if self.confirmed.get(part) != one.position}

    def has_seen(self, part: str, position: Position) -> bool:
        """Whether a part of a batch is in the log."""
        return self._seen.get(part) == position

    def forget(self, part: str) -> None:
        """W&B refused the last that was logged of a part: whatever comes next has to be seen anew."""
        self._seen.pop(part, None)

    def has_ended(self) -> bool:
        """Whether the last record of the run is in the log by now. Raises OSError, NotReadable."""
        self.refresh()
        return self._has_ended

    def refresh(self) -> None:
        """Read on. Raises OSError, NotReadable."""
        if self.path.exists():
            for payload in self._log.records():
                self._take(records.parse(payload))

    def sync(self) -> None:
        """Make durable what was read: W&B itself never calls fsync. Raises OSError."""
        for path in (*self._unsynced, self.path):
            if path.exists():
                fsync(path)
        self._unsynced.clear()

    def _take(self, record: Any) -> None:
        match records.kind(record):
            case "history":
                self._take_row(records.history_row(record))
            case "artifact":
                files = records.artifact_files(record).values()
                self._staged[record.artifact.client_id] = [staged_file(file, self.path) for file in files]
            case "exit":
                self._has_ended = True
            case _:
                pass

    def _take_row(self, row: dict[str, records.Json]) -> None:
        if BATCH not in row:
            return
        position = Position(row[BATCH], row.get(WINDOW_END, 0.0), row.get(ROWS_LEFT, 0))
        tables = {key: value for key, value in row.items() if records.is_table(value)}
        if not tables:
            self._seen[POINTS] = position
        for key, value in tables.items():
            if self._is_staged(value):
                self._seen[table_of(key)] = position
            if self._is_online:
                artifact = f"run-{self.path.stem.removeprefix('run-')}-incr-{key}"
                self._logged[table_of(key)] = Doubt(position, artifact, records.table_source(value)[1])

    def _is_staged(self, value: records.Json) -> bool:
        """Whether a Table's artifact came before its history row, with files that are still there."""
        if self._is_online:
            return True
        client_id, _ = records.table_source(value)
        files = self._staged.pop(client_id, None)
        if files is None or not all(file.exists() for file in files):
            return False
        self._unsynced += files
        return True


def table_of(key: str) -> str:
    """The table that a history key belongs to: `generations` for `generations_2`."""
    name, _, number = key.rpartition("_")
    return name if number.isdecimal() and name else key


def fsync(path: Path) -> None:
    """Write a file or folder through to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
