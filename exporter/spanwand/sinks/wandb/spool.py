"""The Tables that an online run hands to wandb, kept until the run is verified: what it takes to send each again.

Online, wandb keeps artifacts out of a run's transaction log, deletes the files of one that it could not upload, and
says nothing of one that W&B took just before a crash. So each is written down before wandb gets it. Sent again it is
the same artifact with the same files, however often W&B has taken it; its rows in another would be there twice.

A run's log with what is spooled beside it is what the log alone is of an offline run (`recorded`).
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from spanwand.sinks.wandb import records
from spanwand.sinks.wandb.dataset import recorded_dataset
from spanwand.sinks.wandb.transaction_log import TransactionLog, fsync, write_log

FOLDER = "tables"


class Spooled(NamedTuple):
    """An artifact that was handed over: its record, and the record of the history row that shows it."""

    artifact: Any
    row: Any


class Spool:
    """What is spooled beside one transaction log."""

    def __init__(self, log: Path) -> None:
        self._folder = log.absolute().parent / FOLDER

    def put(self, artifact: Any, row: Mapping[str, records.Json]) -> None:
        """Keep an `ArtifactRecord` and its files, durably. Raises OSError."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        record = records.artifact_record(artifact)
        for entry in record.artifact.manifest.contents:
            source = Path(entry.local_path)
            _keep(source, self._folder / source.name)
            entry.local_path = source.name
        payloads = (record.SerializeToString(), records.history_record(row).SerializeToString())
        path = self._path(artifact.client_id)
        temporary = path.with_suffix(".tmp")
        write_log(temporary, payloads)
        fsync(temporary)
        temporary.replace(path)
        fsync(self._folder)

    def has(self, client_id: str) -> bool:
        """Whether an artifact is spooled."""
        return self._path(client_id).exists()

    def get(self, client_id: str) -> Spooled:
        """What is spooled of an artifact. Raises OSError, NotReadable."""
        artifact, row = (records.parse(payload) for payload in TransactionLog(self._path(client_id)).records())
        for entry in artifact.artifact.manifest.contents:
            entry.local_path = str(self._folder / entry.local_path)
        return Spooled(artifact, row)

    def remove(self, client_id: str) -> None:
        """Forget an artifact: W&B will never have it. Raises OSError."""
        self._path(client_id).unlink(missing_ok=True)
        fsync(self._folder)

    def all(self) -> Iterator[Spooled]:
        """Everything spooled, in the order it was handed over. Raises OSError, NotReadable."""
        found = [self.get(path.stem) for path in self._folder.glob("*.wandb")]
        return iter(sorted(found, key=lambda each: each.row.history.step.num))

    def _path(self, client_id: str) -> Path:
        return self._folder / f"{client_id}.wandb"


def recorded(log: TransactionLog) -> Iterator[Any]:
    """All records of a run. What is spooled comes before the row that shows it; where the log has not got that row
    (it was never written), at the end. Behind all that, the dataset. Raises OSError, NotReadable.
    """
    spooled = {each.artifact.artifact.client_id: each for each in Spool(log.path).all()}
    dataset = recorded_dataset(log.path)
    end = []
    for payload in log.records():
        record = records.parse(payload)
        shown = [spooled.pop(client_id) for client_id in records.tables_shown(record) if client_id in spooled]
        yield from (each.artifact for each in shown)
        if records.kind(record) == "exit":
            end.append(record)
        elif not (dataset and records.is_same_artifact(record, dataset)):
            yield record
    for artifact, row in spooled.values():
        yield from (artifact, row)
    yield from ([dataset] if dataset else [])
    yield from end


def _keep(source: Path, target: Path) -> None:
    """A link: it takes no room, and stays when wandb deletes the file."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
    fsync(target)
