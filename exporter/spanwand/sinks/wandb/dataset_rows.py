"""Gathers the rows of a run into its dataset: as they are proven while it is open, or all at once when it is not."""

import logging
import shutil
from pathlib import Path
from typing import Any

from spanwand.batch import RunKey
from spanwand.sinks.wandb import records, stored
from spanwand.sinks.wandb.dataset import conclude, folder_of, recorded_dataset
from spanwand.sinks.wandb.partitions import Partitions
from spanwand.sinks.wandb.spool import recorded
from spanwand.sinks.wandb.stored_tables import StoredTables
from spanwand.sinks.wandb.transaction_log import TransactionLog
from spanwand.stored.dataset import Dataset
from spanwand.stored.run import Increment
from spanwand.tables import SCHEMA_VERSION

logger = logging.getLogger(__name__)


class RowsOfRun:
    """The dataset of an open run. Nothing of it is durable before the end: it can always be made anew (`make`)."""

    def __init__(self, log: Path, run_id: str, key: RunKey) -> None:
        self._log = log
        self._run = run_id, key
        self._partitions = Partitions(folder_of(log))
        self._is_whole = True

    def add(self, table: str, increment: Increment) -> None:
        """The run has these rows, proven."""
        try:
            if self._is_whole:
                self._partitions.add(table, increment)
        except Exception as error:  # noqa: BLE001  # whatever it is, a copy of the rows must not hold them up
            logger.warning("dataset of run %s: %s; it is made when the run has ended", self._run[0], error)
            self.lost()

    def lost(self) -> None:
        """The run may have rows that were not added."""
        self._is_whole = False

    def conclude(self, entity: str, project: str) -> Any:
        """The record of the artifact; None if there are no rows, or not all of them. Raises OSError."""
        if not (self._is_whole and self._partitions.tables):
            return None
        return conclude(self._log, _dataset(*self._run, self._partitions), entity, project)


def make(log: Path, run_id: str, key: RunKey) -> None:
    """Make the dataset of a run that nobody writes to, unless it is there. Without rows, or with some of them missing,
    there is none. Raises OSError, NotReadable.
    """
    if recorded_dataset(log) is not None:
        return
    shutil.rmtree(folder_of(log), ignore_errors=True)
    tables, entity, project = _look_through(log)
    partitions = Partitions(folder_of(log))
    for name in tables.names:
        for increment in tables.increments(name):
            if increment is None:
                return
            partitions.add(name, increment)
    if partitions.tables:
        conclude(log, _dataset(run_id, key, partitions), entity, project)


def _look_through(log: Path) -> tuple[StoredTables, str, str]:
    tables, entity, project = stored.tables_of(log), "", ""
    for record in recorded(TransactionLog(log)):
        match records.kind(record):
            case "run":
                entity, project = record.run.entity, record.run.project
            case "artifact":
                tables.take_artifact(record)
            case "history":
                tables.take_row(records.history_row(record))
            case _:
                pass
    return tables, entity, project


def _dataset(run_id: str, key: RunKey, partitions: Partitions) -> Dataset:
    return Dataset(tables_version=SCHEMA_VERSION, run_id=run_id, run=key, tables=partitions.tables)
