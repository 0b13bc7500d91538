"""What a run's transaction log proves: which parts of which batches are in.

`run.log()` and `finish()` succeed on a full disk, after a final refusal by the server and just before a crash. The
log on disk is the first thing that is true (design §1). A part of a batch is its points, or its rows of one table.

Of rows it holds the artifact, and so a way to send them later, only if the run is offline. Online wandb keeps
artifacts out of the log; there they are in once they are in our own spool (`spool`).
"""

from pathlib import Path
from typing import Any, NamedTuple

from spanwand.metrics import BATCH, ROWS_LEFT, WINDOW_END
from spanwand.sinks.wandb import records
from spanwand.sinks.wandb.directories import staged_file
from spanwand.sinks.wandb.spool import Spool
from spanwand.sinks.wandb.transaction_log import TransactionLog, fsync

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


class Evidence:
    """The proof for one run, brought up to date by reading what its log has grown by."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.spool = Spool(path)
        self.parts: dict[str, Position] = {}
        """The last batch of each part that is in."""
        self._has_begun = False
        self._has_ended = False
        self._log = TransactionLog(path)
        self._staged: dict[str, list[Path]] = {}
        self._unsynced: list[Path] = []

    @property
    def log_bytes(self) -> int:
        """Size of the log as far as it was read."""
        return self._log.offset

    def has_seen(self, part: str, position: Position) -> bool:
        """Whether a part of a batch is in the log."""
        return self.parts.get(part) == position

    def forget(self, part: str) -> None:
        """W&B refused the last that was logged of a part: whatever comes next has to be seen anew."""
        self.parts.pop(part, None)

    def has_begun(self) -> bool:
        """Whether the log says by now which run it is. Raises OSError, NotReadable."""
        self.refresh()
        return self._has_begun

    def has_ended(self) -> bool:
        """Whether the last record of the run is in the log by now. Raises OSError, NotReadable."""
        self.refresh()
        return self._has_ended

    def refresh(self) -> None:
        """Read on. Raises OSError, NotReadable."""
        if self.path.exists():
            for payload in self._log.records():
                self._take(records.parse(payload))

    def conclude(self) -> None:
        """Read what is left, now that nothing is logged any more, and make it durable. Raises OSError, NotReadable.

        Rows that were spooled are in even if their history row was never written: W&B may have them.
        """
        self.refresh()
        for each in self.spool.all():
            self._take_row(records.history_row(each.row))
        self.sync()

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
            case "run":
                self._has_begun = True
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
            self.parts[POINTS] = position
        for key, value in tables.items():
            if self._is_staged(value):
                self.parts[table_of(key)] = position

    def _is_staged(self, value: records.Json) -> bool:
        """Whether a Table's artifact is spooled, or came before its history row with files that are still there."""
        client_id, _ = records.table_source(value)
        if self.spool.has(client_id):
            return True
        files = self._staged.pop(client_id, None)
        if files is None or not all(file.exists() for file in files):
            return False
        self._unsynced += files
        return True


def table_of(key: str) -> str:
    """The table that a history key belongs to: `generations` for `generations_2`."""
    name, _, number = key.rpartition("_")
    return name if number.isdecimal() and name else key
