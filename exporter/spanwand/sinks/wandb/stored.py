"""Reads a run back from its transaction log and its Table files, online or offline, finished or not."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from spanwand.metrics import BATCH, ROWS_LEFT, WINDOW_END
from spanwand.sinks.wandb import records
from spanwand.sinks.wandb.directories import runs_directory
from spanwand.sinks.wandb.ledger import RunDescription
from spanwand.sinks.wandb.lock import is_locked
from spanwand.sinks.wandb.spool import recorded
from spanwand.sinks.wandb.stored_tables import StoredTables
from spanwand.sinks.wandb.transaction_log import TransactionLog
from spanwand.stored.run import Increment, State, StoredRun, StoredTable, merge_rows

AXES = frozenset({"_step", "_runtime", "_timestamp", WINDOW_END, BATCH, ROWS_LEFT})
"""History keys that say nothing by themselves."""


def read_run(path: Path, source: str) -> StoredRun:
    """The run whose transaction log is at `path`. Raises OSError, NotReadable."""
    log = TransactionLog(path)
    run = StoredRun(id=path.stem.removeprefix("run-"), state=_unfinished(path), source=source)
    run.config, run.summary, run.history, run.tables, run.tags, run.notes = {}, {}, [], {}, [], []
    tables = tables_of(path)
    reader = _Reader(run, tables)
    for record in recorded(log):
        reader.take(record)
    run.tables = {name: _load(tables.increments(name)) for name in tables.names}
    run.notes += tables.notes
    run.config.pop("_wandb", None)
    run.summary = {key: value for key, value in run.summary.items() if key != "_wandb" and not records.is_table(value)}
    run.notes += _damage(log, run.state)
    return run


class _Reader:
    """Puts records into a run, in the order they were written."""

    def __init__(self, run: StoredRun, tables: StoredTables) -> None:
        self._run = run
        self._tables = tables

    def take(self, record: Any) -> None:
        """Put one record in; those that say nothing about the run's data are passed over."""
        run = self._run
        match records.kind(record):
            case "run":
                self._take_run(record.run)
            case "config":
                records.merge(run.config, record.config.update)
                records.remove(run.config, record.config.remove)
            case "summary":
                records.merge(run.summary, record.summary.update)
                records.remove(run.summary, record.summary.remove)
            case "artifact":
                self._tables.take_artifact(record)
            case "history":
                self._take_row(records.history_row(record))
            case "exit":
                run.state = "failed" if record.exit.exit_code else "finished"
            case _:
                pass

    def _take_run(self, record: Any) -> None:
        run = self._run
        run.id, run.entity, run.project = record.run_id, record.entity, record.project
        run.group, run.job_type, run.name = record.run_group, record.job_type, record.display_name
        run.tags = list(record.tags)
        records.merge(run.config, record.config.update)

    def _take_row(self, row: dict[str, records.Json]) -> None:
        self._tables.take_row(row)
        rest = {key: value for key, value in row.items() if not records.is_table(value)}
        if len(rest) == len(row) or rest.keys() - AXES:
            self._run.history.append(rest)


def read_increments(path: Path, table: str, notes: list[str]) -> Iterator[Increment]:
    """The rows of one table of the run whose log is at `path`, one increment at a time. Raises OSError, NotReadable.

    `notes` get what is wrong.
    """
    log, tables = TransactionLog(path), tables_of(path)
    for record in recorded(log):
        match records.kind(record):
            case "artifact":
                tables.take_artifact(record)
            case "history":
                tables.take_row(records.history_row(record))
            case _:
                pass
    yield from filter(None, tables.increments(table))
    notes += [*tables.notes, *_damage(log, _unfinished(path))]


def tables_of(path: Path) -> StoredTables:
    """What takes the Tables of the run whose log is at `path` from its records."""
    description = describe(path)
    return StoredTables(path, is_online=description is not None and description.mode == "online")


def _load(increments: Iterable[Increment | None]) -> StoredTable:
    """All increments of a table together."""
    table = StoredTable(columns=[], rows=[])
    for increment in increments:
        table.increments += 1
        if increment is None:
            table.missing_increments += 1
        else:
            merge_rows(table, increment.columns, increment.rows)
    return table


def describe(path: Path) -> RunDescription | None:
    """What our sink wrote down about the run of a transaction log, if it is one of ours."""
    parents = path.absolute().parents
    if len(parents) <= 2:
        return None
    try:
        described = runs_directory(parents[2]) / f"{path.stem.removeprefix('run-')}.json"
        return msgspec.json.decode(described.read_bytes(), type=RunDescription)
    except (OSError, msgspec.MsgspecError):
        return None


def _unfinished(path: Path) -> State:
    """The state of a run without an exit record: its sink holds the lock as long as it lives."""
    parents = path.absolute().parents
    return "running" if len(parents) > 2 and is_locked(parents[2]) else "crashed"


def _damage(log: TransactionLog, state: State) -> Iterator[str]:
    if log.damaged_blocks:
        yield f"{log.damaged_blocks} damaged blocks of the transaction log were passed over"
    if log.unread_bytes and state != "running":
        yield f"the transaction log ends in {log.unread_bytes} bytes that are no whole record"
