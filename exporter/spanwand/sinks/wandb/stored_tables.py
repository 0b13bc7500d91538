"""The Tables of a run as its records tell of them, and their files one at a time: all rows need not fit in memory."""

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from spanwand.metrics import BATCH, ROWS_LEFT, WINDOW_END
from spanwand.sinks.wandb import records
from spanwand.sinks.wandb.directories import staged_file
from spanwand.sinks.wandb.evidence import table_of
from spanwand.stored.run import Increment


class _Logged(NamedTuple):
    """One increment: when, and where its rows may lie."""

    window_end_s: float
    files: tuple[Path, ...]


class StoredTables:
    """Fed with a run's records in their order. `notes` tell what is missing."""

    def __init__(self, path: Path, *, is_online: bool) -> None:
        self.notes: list[str] = []
        self._path = path
        self._is_online = is_online
        self._artifacts: dict[str, Mapping[str, str]] = {}
        self._logged: dict[str, dict[object, _Logged]] = {}

    @property
    def names(self) -> Collection[str]:
        """The tables that something was logged to."""
        return self._logged.keys()

    def take_artifact(self, record: Any) -> None:
        """Note where an artifact's files lie."""
        self._artifacts[record.artifact.client_id] = records.artifact_files(record)

    def take_row(self, row: Mapping[str, records.Json]) -> None:
        """Note the increments that a history row shows."""
        for key, value in row.items():
            if records.is_table(value):
                self._take(key, value, row)

    def increments(self, name: str) -> Iterator[Increment | None]:
        """What was logged to one table, in order; None stands for an increment whose file is gone."""
        for number, logged in enumerate(self._logged.get(name, {}).values(), 1):
            content = _content(logged.files)
            if content is None:
                self.notes.append(f"table {name}: the file of increment {number} is missing")
                yield None
            else:
                yield Increment(logged.window_end_s, content["columns"], content["data"])

    def _take(self, key: str, value: Mapping[str, records.Json], row: Mapping[str, records.Json]) -> None:
        """Note an increment. If W&B refused it for good, it was logged again in pieces: then it is not kept."""
        batch, left = row.get(BATCH), row.get(ROWS_LEFT, 0)
        is_increment = value["_type"] == "incremental-table-file"
        name = table_of(key) if is_increment and table_of(key) in self._logged else key
        increments = self._logged.setdefault(name, {})
        if not is_increment:
            increments.clear()
        if batch is not None and not self._is_kept(value):
            self.notes.append(f"table {name}: W&B refused what was logged for batch {batch}; not counted here")
        else:
            place = len(increments) if batch is None else (batch, left)
            increments[place] = _Logged(row.get(WINDOW_END, 0.0), tuple(self._files(value)))

    def _is_kept(self, value: Mapping[str, records.Json]) -> bool:
        return not self._is_online or records.table_source(value)[0] in self._artifacts

    def _files(self, value: Mapping[str, records.Json]) -> Iterator[Path]:
        """Where a Table's rows may lie: staged for upload, else the copy in the run's folder, cut at 10,000 rows."""
        client_id, file = records.table_source(value)
        if recorded := self._artifacts.get(client_id, {}).get(file):
            yield staged_file(recorded, self._path)
        if isinstance(path := value.get("path"), str):
            yield self._path.parent / "files" / path


def _content(files: Collection[Path]) -> dict[str, Any] | None:
    for path in files:
        try:
            return dict(json.loads(path.read_bytes()))
        except (OSError, ValueError):
            continue
    return None
