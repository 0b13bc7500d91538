"""What W&B does not have of a run, as a transaction log of its own: `wandb sync` of a whole one would append all of it
again behind the rows that are there."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from spanwand.metrics import BATCH
from spanwand.sinks.wandb import records
from spanwand.sinks.wandb.directories import staged_file
from spanwand.sinks.wandb.records import RowKey, row_key
from spanwand.sinks.wandb.spool import recorded
from spanwand.sinks.wandb.transaction_log import TransactionLog, write_log

Files = Mapping[str, frozenset[str]]
"""Paths of files by the name of the artifact they are in."""


class Content(NamedTuple):
    """What a transaction log says that a run has."""

    rows: Counter[RowKey]
    """History rows that W&B should have."""
    logged: Counter[RowKey]
    """All that were logged."""
    files: Files
    missing_files: int
    """Files of these that are not on this machine any more."""
    has_begun: bool
    """Whether it says which run it is."""

    def without(self, refused: Iterable[RowKey]) -> "Content":
        """The same, but for rows that W&B need not have."""
        return self._replace(rows=self.rows - Counter(refused))


def read_content(path: Path) -> Content:
    """What the run at `path` has. Raises OSError, NotReadable."""
    rows: Counter[RowKey] = Counter()
    files: dict[str, frozenset[str]] = {}
    missing, has_begun = 0, False
    for record in recorded(TransactionLog(path)):
        match records.kind(record):
            case "history":
                row = records.history_row(record)
                rows.update([row_key(row)] if BATCH in row else [])
            case "artifact":
                found = records.artifact_files(record)
                files[record.artifact.name] = files.get(record.artifact.name, frozenset()) | found.keys()
                missing += sum(not staged_file(file, path).exists() for file in found.values())
            case "run":
                has_begun = True
            case _:
                pass
    return Content(rows, rows, files, missing, has_begun)


def find_rows(path: Path, keys: Collection[RowKey]) -> dict[RowKey, dict[str, records.Json]]:
    """Some of the run's history rows. Raises OSError, NotReadable."""
    history = (one for one in map(records.parse, TransactionLog(path).records()) if records.kind(one) == "history")
    rows = (row for row in map(records.history_row, history) if BATCH in row)
    return {key: row for row in rows if (key := row_key(row)) in keys}


def write_remainder(path: Path, target: Path, rows: Counter[RowKey], files: Files) -> None:
    """Write to `target` what the log at `path` has but for history `rows` and artifacts' `files`, as a finished run.

    Raises OSError, NotReadable.
    """
    write_log(target, _remaining(path, Counter(rows), files))


def _remaining(path: Path, rows: Counter[RowKey], files: Files) -> Iterator[bytes]:
    has_ended = False
    rules: dict[str, Callable[[Any], bool]] = {
        "alert": lambda _: False,  # it went out at once, or is no news any more
        "history": lambda record: _is_new_row(record, rows),
        "artifact": lambda record: _is_new_artifact(record, files, path),
    }
    for record in recorded(TransactionLog(path)):
        kind = records.kind(record)
        if kind not in rules or rules[kind](record):
            yield record.SerializeToString()
        has_ended = has_ended or kind == "exit"
    if not has_ended:
        yield records.exit_record()


def _is_new_row(record: Any, rows: Counter[RowKey]) -> bool:
    row = records.history_row(record)
    key = row_key(row) if BATCH in row else None
    if key is None or not rows[key]:
        return True
    rows[key] -= 1
    return False


def _is_new_artifact(record: Any, files: Files, path: Path) -> bool:
    """Points the record to where its files lie now, as well."""
    contents = record.artifact.manifest.contents
    for entry in contents:
        entry.local_path = str(staged_file(entry.local_path, path))
    return not {entry.path for entry in contents} <= files.get(record.artifact.name, frozenset())
