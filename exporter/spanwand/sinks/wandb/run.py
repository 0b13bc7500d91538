"""One open W&B run: what was logged to it, and what of that is proven."""

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import spanwand
from spanwand.batch import Alert, Batch, RunUpdate
from spanwand.metrics import BATCH, ROWS_LEFT, WINDOW_END
from spanwand.sinks.wandb import core, settings
from spanwand.sinks.wandb.dataset_rows import RowsOfRun
from spanwand.sinks.wandb.evidence import POINTS, Evidence, Position
from spanwand.sinks.wandb.hand_over import HandOver
from spanwand.sinks.wandb.increments import Increments
from spanwand.sinks.wandb.settings import Common
from spanwand.sinks.wandb.upload import Upload
from spanwand.stored.run import Increment
from spanwand.summary import Summary
from spanwand.tables import SCHEMA_VERSION

BEGIN_WAIT_S = 3.0
"""Longest wait for the first record of a run's log; usual is 0.5 s, and gone by while the points were logged."""
POLL_S = 0.02

logger = logging.getLogger(__name__)


class Pending(NamedTuple):
    """A part that was logged and is not proven yet. Online, rows have an upload that W&B must confirm."""

    position: Position
    upload: Upload | None = None
    rows: Sequence[Sequence[object]] = ()


class OpenRun:
    """A run that batches are logged to. Not thread-safe, except for `finish`."""

    def __init__(self, common: Common, update: RunUpdate, batch: Batch) -> None:
        """Start the run. Raises whatever wandb raises."""
        self.key = update.run
        self.opened_ns = self.written_ns = batch.start_ns
        self.pending: dict[str, Pending] = {}
        self.upload_stopped = threading.Event()
        self._is_online = common.server.mode == "online"
        self._layout = common.layout
        self._sdk = settings.init(common.settings, update, config_of(update, batch), self.upload_stopped.set)
        self._sdk.define_metric("*", step_metric=WINDOW_END)
        self.id: str = self._sdk.id
        self.evidence = Evidence(Path(self._sdk.settings.sync_file))
        self._hand_over = HandOver(self._sdk, self.evidence.spool) if self._is_online else None
        self._dataset = RowsOfRun(self.evidence.path, self.id, update.run) if common.dataset else None
        self._tables: dict[str, Increments] = {}
        self._summary = Summary()

    @property
    def folder(self) -> Path:
        """Where wandb keeps what belongs to the run."""
        return self.evidence.path.parent

    def log(self, update: RunUpdate, part: str, position: Position) -> None:
        """Hand one part of a batch to wandb, once. Raises whatever wandb raises; then the part is not logged.

        A part of an earlier batch that is still pending is not waited for any more: nobody will ask about it again.
        """
        pending = self.pending.get(part)
        if pending and pending.position == position:
            if self._hand_over and pending.upload and pending.upload.has_failed():
                self.pending[part] = pending._replace(upload=self._hand_over.again(pending.upload))
            return
        if pending and part != POINTS:
            self._lose_track()
        if part == POINTS:
            for alert in update.alerts:
                self._say(alert)
            self._log_points(update.points, position)
        else:
            self._log_rows(part, update.rows[part], position)

    def prove(self) -> bool:
        """Whether all that was logged is in the transaction log by now, on the disk. Raises OSError."""
        if not self.pending:
            return True
        self.evidence.refresh()
        if self.unseen():
            return False
        self.evidence.sync()
        return True

    def unseen(self) -> list[str]:
        """The parts that are logged but not in the transaction log."""
        return [part for part, pending in self.pending.items() if not self.evidence.has_seen(part, pending.position)]

    def refused(self, part: str) -> None:
        """Take rows as not logged: W&B will never have them like this. Raises OSError."""
        upload = self.pending.pop(part).upload
        if upload:
            self.evidence.spool.remove(upload.client_id)
        self.evidence.forget(part)

    def settled(self, part: str) -> Position:
        """A pending part is proven. Returns which."""
        position, _, rows = self.pending.pop(part)
        if self._dataset and part != POINTS:
            columns = [column.name for column in self._layout[part]]
            self._dataset.add(part, Increment(position.window_end_s, columns, rows))
        return position

    def finish(self) -> None:
        """End the run, within its `finish_timeout`. Raises whatever wandb raises."""
        if self._dataset and not self.pending:
            self._log_dataset(self._dataset)
        self._sdk.finish()

    def _say(self, alert: Alert) -> None:
        """Before the points it is about: records keep their order, so that with these it is proven too.

        Whatever wandb has against it, points and rows are not to suffer.
        """
        try:
            self._sdk.alert(alert.title, alert.text, alert.level)
        except Exception as error:
            if core.is_dead(error):
                raise
            logger.warning("wandb did not take an alert of run %s: %s", self.id, type(error).__name__)

    def _lose_track(self) -> None:
        """The run may have rows that nobody will say are proven: its dataset is made when it has ended."""
        if self._dataset:
            self._dataset.lost()

    def _log_dataset(self, dataset: RowsOfRun) -> None:
        """W&B is to have it even if this disk is gone afterwards. What fails here is made good by `complete`."""
        try:
            record = dataset.conclude(self._sdk.entity, self._sdk.project)
            if record and self._hand_over:
                self._hand_over.send(record)
            elif record:
                self._sdk._interface._publish_artifact(record.artifact)
        except Exception as error:  # noqa: BLE001  # wandb raises what it likes
            logger.warning("the dataset of run %s is not logged: %s", self.id, type(error).__name__)

    def _log_points(self, points: Mapping[str, float], position: Position) -> None:
        self._sdk.log({**points, **axes(position)})
        self.pending[POINTS] = Pending(position)
        self._sdk.summary.update(self._summary.add(points))

    def _await_begin(self) -> None:
        """Without a log that says which run it is nobody could send later what is spooled beside it.

        Raises TimeoutError, OSError, NotReadable.
        """
        deadline = time.monotonic() + BEGIN_WAIT_S
        while not self.evidence.has_begun():
            if time.monotonic() > deadline or not core.is_alive():
                raise TimeoutError("the transaction log of the run does not begin")
            time.sleep(POLL_S)
        self.evidence.sync()

    def _log_rows(self, table: str, rows: Sequence[Sequence[object]], position: Position) -> None:
        if self._is_online:
            self._await_begin()
        increments = self._tables.get(table)
        if increments is None:
            increments = self._tables[table] = Increments(table, self._layout[table])
        try:
            row = {**increments.add(rows), **axes(position)}
            if self._hand_over:
                self._hand_over.expect(increments.key, {**row, increments.key: increments.shown()})
            self._sdk.log(row)
        except BaseException:
            increments.failed()
            if self._hand_over and self._hand_over.is_spooled:
                self._lose_track()
                self.pending[table] = Pending(position)  # not seen in the log, it makes the run end, and be completed
            raise
        increments.logged()
        self.pending[table] = Pending(position, self._hand_over.upload() if self._hand_over else None, rows)


def axes(position: Position) -> dict[str, float]:
    """The keys that every history row has beside its values."""
    left = {ROWS_LEFT: position.rows_left} if position.rows_left else {}
    return {
        WINDOW_END: position.window_end_s,
        BATCH: position.seq,
        "_timestamp": position.window_end_s,
        **left,
    }


def config_of(update: RunUpdate, batch: Batch) -> dict[str, object]:
    """The run's config: what the update says, and how it was made."""
    made_by = {
        "version": spanwand.__version__,
        "window_s": (batch.end_ns - batch.start_ns) / 1e9,
        "tables_version": SCHEMA_VERSION,
    }
    return {**update.config, "spanwand": made_by}
