"""The dataset of a run: all its rows as one artifact of W&B, beside the run's transaction log in `dataset/`.

Every version of it is whole, so that it may be sent any number of times. Its record lies in `artifact.wandb`, and is
one of the run's (`spool.recorded`): what proves and completes runs proves and completes it (docs/adr/0030).
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from spanwand.sinks.wandb import records
from spanwand.sinks.wandb.transaction_log import TransactionLog, fsync, write_log
from spanwand.stored.dataset import NAME, Dataset

FOLDER = "dataset"
RECORD = "artifact.wandb"
TYPE = "dataset"


def folder_of(log: Path) -> Path:
    """Where the dataset of the run whose transaction log is `log` lies."""
    return log.absolute().parent / FOLDER


def artifact_name(run_id: str) -> str:
    """What the artifact is called."""
    return f"generations-{run_id}"


def is_dataset(artifact: str) -> bool:
    """Whether an artifact of that name is a run's dataset: all others are Tables."""
    return artifact.startswith("generations-")


def recorded_dataset(log: Path) -> Any:
    """The record of a run's dataset, with where its files lie now; None without one. Raises OSError, NotReadable."""
    folder = folder_of(log)
    payload = next(TransactionLog(folder / RECORD).records(), None) if (folder / RECORD).exists() else None
    if payload is None:
        return None
    record = records.parse(payload)
    for entry in record.artifact.manifest.contents:
        entry.local_path = str(folder / entry.path)
    return record


def conclude(log: Path, dataset: Dataset, entity: str, project: str) -> Any:
    """Make the record of a dataset whose partitions are written, durably. Raises OSError."""
    folder = folder_of(log)
    (folder / NAME).write_bytes(msgspec.json.format(msgspec.json.encode(dataset), indent=1) + b"\n")
    files = {path.relative_to(folder).as_posix(): path for path in _files(folder, dataset)}
    for path in files.values():
        fsync(path)
        fsync(path.parent)
    digests = {name: _md5(path) for name, path in files.items()}
    record = records.new_artifact(TYPE, artifact_name(dataset.run_id), digests)
    artifact = record.artifact
    artifact.run_id, artifact.entity, artifact.project = dataset.run_id, entity, project
    artifact.description, artifact.metadata = description(dataset), msgspec.json.encode(metadata(dataset)).decode()
    for entry in artifact.manifest.contents:
        entry.size, entry.local_path = files[entry.path].stat().st_size, str(files[entry.path])
    temporary = folder / f"{RECORD}.tmp"
    write_log(temporary, [record.SerializeToString()])
    fsync(temporary)
    temporary.replace(folder / RECORD)
    fsync(folder)
    return record


def description(dataset: Dataset) -> str:
    """What a person reads above the artifact."""
    counts = ", ".join(f"{table.rows:,} rows of {name}" for name, table in dataset.tables.items())
    times = sorted(filter(None, (at for each in dataset.tables.values() for at in (each.first_time, each.last_time))))
    between = f", of calls from {times[0]} to {times[-1]}" if times else ""
    return (
        f"All rows of run {dataset.run_id} ({dataset.run.name}): {counts}{between}. "
        "JSON lines, compressed; dataset.json tells of them. `spanwand export` makes Parquet, CSV or JSON lines of it."
    )


def metadata(dataset: Dataset) -> Mapping[str, object]:
    """What a program reads beside the artifact: `dataset.json` without its lists of increments."""
    told = msgspec.to_builtins(dataset)
    for table in told["tables"].values():
        table["partitions"] = [part["path"] for part in table["partitions"]]
    return {**told}


def _files(folder: Path, dataset: Dataset) -> Iterator[Path]:
    yield folder / NAME
    for table in dataset.tables.values():
        yield from (folder / partition.path for partition in table.partitions)


def _md5(path: Path) -> str:
    """A file's digest, as a manifest of W&B has it."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
    return base64.b64encode(found.digest()).decode()
