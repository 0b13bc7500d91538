"""Reads a run back from its transaction log and its Table files, online or offline, finished or not."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from spanwand.metrics import BATCH, ROWS_LEFT, WINDOW_END
from spanwand.sinks.wandb import records
from spanwand.sinks.wandb.directories import runs_directory, staged_file
from spanwand.sinks.wandb.evidence import table_of
from spanwand.sinks.wandb.ledger import RunDescription
from spanwand.sinks.wandb.lock import is_locked
from spanwand.sinks.wandb.spool import recorded
from spanwand.sinks.wandb.transaction_log import TransactionLog
from spanwand.stored_run import State, StoredRun, StoredTable, merge_rows

AXES = frozenset({"_step", "_runtime", "_timestamp", WINDOW_END, BATCH, ROWS_LEFT})
"""History keys that say nothing by themselves."""


def read_run(path: Path, source: str) -> StoredRun:
    """The run whose transaction log is at `path`. Raises OSError, NotReadable."""
    log = TransactionLog(path)
    run = StoredRun(id=path.stem.removeprefix("run-"), state=_unfinished(path), source=source)
    run.config, run.summary, run.history, run.tables, run.tags, run.notes = {}, {}, [], {}, [], []
    reader = _Reader(run, path)
    for record in recorded(log):
        reader.take(record)
    reader.load_tables()
    run.config.pop("_wandb", None)
    run.summary = {key: value for key, value in run.summary.items() if key != "_wandb" and not records.is_table(value)}
    run.notes += _damage(log, run.state)
    return run


class _Reader:
    """Puts records into a run, in the order they were written."""

    def __init__(self, run: StoredRun, path: Path) -> None:
        self._run = run
        self._path = path
        self._artifacts: dict[str, Mapping[str, str]] = {}
        self._increments: dict[str, dict[object, Mapping[str, records.Json]]] = {}
        self._description = describe(path)

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
                self._artifacts[record.artifact.client_id] = records.artifact_files(record)
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
        tables = {key: value for key, value in row.items() if records.is_table(value)}
        for key, value in tables.items():
            self._take_table(key, value, row)
        rest = {key: value for key, value in row.items() if key not in tables}
        if not tables or rest.keys() - AXES:
            self._run.history.append(rest)

    def _take_table(self, key: str, value: Mapping[str, records.Json], row: Mapping[str, records.Json]) -> None:
        """Note an increment. If W&B refused it for good, it was logged again in pieces: then it is not kept."""
        batch, left = row.get(BATCH), row.get(ROWS_LEFT, 0)
        is_increment = value["_type"] == "incremental-table-file"
        name = table_of(key) if is_increment and table_of(key) in self._increments else key
        increments = self._increments.setdefault(name, {})
        if not is_increment:
            increments.clear()
        if batch is None:
            increments[len(increments)] = value
        elif self._is_kept(value):
            increments[batch, left] = value
        else:
            self._run.notes.append(f"table {name}: W&B refused what was logged for batch {batch}; not counted here")

    def _is_kept(self, value: Mapping[str, records.Json]) -> bool:
        is_online = self._description is not None and self._description.mode == "online"
        return not is_online or records.table_source(value)[0] in self._artifacts

    def load_tables(self) -> None:
        """Read the rows of all increments."""
        for name, increments in self._increments.items():
            table = self._run.tables[name] = StoredTable(columns=[], rows=[])
            for value in increments.values():
                self._load(name, table, value)

    def _load(self, name: str, table: StoredTable, value: Mapping[str, records.Json]) -> None:
        table.increments += 1
        content = self._table_content(value)
        if content is None:
            table.missing_increments += 1
            self._run.notes.append(f"table {name}: the file of increment {table.increments} is missing")
        else:
            merge_rows(table, content["columns"], content["data"])

    def _table_content(self, value: Mapping[str, records.Json]) -> dict[str, Any] | None:
        for path in self._table_files(value):
            try:
                return dict(json.loads(path.read_bytes()))
            except (OSError, ValueError):
                continue
        return None

    def _table_files(self, value: Mapping[str, records.Json]) -> Iterator[Path]:
        """Where a Table's rows may lie: staged for upload, else the copy in the run's folder, cut at 10,000 rows."""
        client_id, file = records.table_source(value)
        if recorded := self._artifacts.get(client_id, {}).get(file):
            yield staged_file(recorded, self._path)
        if isinstance(path := value.get("path"), str):
            yield self._path.parent / "files" / path


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
