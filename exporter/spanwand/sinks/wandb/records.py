"""What W&B's records say, in plain values. Knows the protobuf schema of wandb; imports it when first asked."""

import hashlib
import importlib
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from spanwand.metrics import BATCH

Json = Any
"""A value as `json.loads` gives it."""
ARTIFACT = "wandb-client-artifact://"
RowKey = tuple[int, str]
"""A history row by the `seq` of its batch and the history key of the Table in it; empty for a row of points."""


@cache
def _record_class() -> Any:
    return importlib.import_module("wandb.proto.wandb_internal_pb2").Record


def parse(payload: bytes) -> Any:
    """One record of a transaction log as wandb's own protobuf `Record`. Raises DecodeError."""
    return _record_class().FromString(payload)


def kind(record: Any) -> str:
    """The record's type: `run`, `history`, `summary`, `artifact`, `exit`, …"""
    return record.WhichOneof("record_type") or ""


def merge(target: dict[str, Json], items: Iterable[Any]) -> dict[str, Json]:
    """Put history, config or summary items into `target`; a nested key makes nested mappings."""
    for item in items:
        *parents, last = item.nested_key or (item.key,)
        inner = target
        for parent in parents:
            child = inner.get(parent)
            inner[parent] = inner = child if isinstance(child, dict) else {}
        inner[last] = json.loads(item.value_json)
    return target


def remove(target: dict[str, Json], items: Iterable[Any]) -> None:
    """Take config or summary items out of `target`."""
    for item in items:
        *parents, last = item.nested_key or (item.key,)
        inner: Any = target
        for parent in parents:
            inner = inner.get(parent, {})
        inner.pop(last, None)


def history_row(record: Any) -> dict[str, Json]:
    """The row of a `history` record."""
    return merge({}, record.history.item)


def row_key(row: Mapping[str, Any]) -> RowKey:
    """What tells a history row that a batch made from all others of its run."""
    return int(row[BATCH]), next((key for key, value in row.items() if is_table(value)), "")


def artifact_files(record: Any) -> Mapping[str, str]:
    """The files of an `artifact` record: path in the artifact to path on this machine when it was staged."""
    return {entry.path: entry.local_path for entry in record.artifact.manifest.contents}


def is_same_artifact(record: Any, other: Any) -> bool:
    """Whether a record is of the same artifact as another."""
    return kind(record) == "artifact" and bool(record.artifact.client_id == other.artifact.client_id)


def is_table(value: Json) -> bool:
    """Whether a history value stands for a Table."""
    return isinstance(value, dict) and value.get("_type") in {"table-file", "incremental-table-file"}


def table_source(value: Mapping[str, Json]) -> tuple[str, str]:
    """Client id of the artifact that holds a Table's rows, and the file's path in it."""
    client_id, _, path = str(value.get("artifact_path", "")).removeprefix(ARTIFACT).partition("/")
    return client_id, path


def tables_shown(record: Any) -> Iterator[str]:
    """Client ids of the artifacts whose Tables a record shows: those of a history row."""
    if kind(record) == "history":
        for value in history_row(record).values():
            if is_table(value):
                yield table_source(value)[0]


def table_paths(artifact: Any) -> dict[str, str]:
    """Where a history row's value says that the Table in an `ArtifactRecord` lies."""
    file = next(entry.path for entry in artifact.manifest.contents if entry.path.endswith(".table.json"))
    return {
        "artifact_path": f"{ARTIFACT}{artifact.client_id}/{file}",
        "_latest_artifact_path": f"{ARTIFACT}{artifact.sequence_client_id}:latest/{file}",
    }


def log_artifact_request(record: Any) -> Any:
    """The message that makes wandb-core upload the artifact of an `artifact` record."""
    request = importlib.import_module("wandb.proto.wandb_internal_pb2").LogArtifactRequest()
    request.artifact.CopyFrom(record.artifact)
    return request


def artifact_record(artifact: Any) -> Any:
    """The record that holds a copy of an `ArtifactRecord`."""
    record = _record_class()()
    record.artifact.CopyFrom(artifact)
    return record


def new_artifact(kind: str, name: str, files: Mapping[str, str]) -> Any:
    """The record of an artifact with files of these digests. Made twice it is the same artifact to W&B."""
    record = _record_class()()
    artifact = record.artifact
    listed = "".join(f"{path}:{digest}\n" for path, digest in sorted(files.items()))
    artifact.type, artifact.name, artifact.finalize = kind, name, True
    artifact.digest = hashlib.md5(f"wandb-artifact-manifest-v1\n{listed}".encode(), usedforsecurity=False).hexdigest()
    artifact.sequence_client_id = hashlib.sha512(name.encode()).hexdigest()
    artifact.client_id = hashlib.sha512(f"{name} {artifact.digest}".encode()).hexdigest()
    artifact.aliases.append("latest")
    manifest = artifact.manifest
    manifest.version, manifest.storage_policy = 1, "wandb-storage-policy-v1"
    manifest.storage_policy_config.add(key="storageLayout", value_json='"V2"')
    for path, digest in sorted(files.items()):
        manifest.contents.add(path=path, digest=digest, skip_cache=True)
    return record


def history_record(row: Mapping[str, Json]) -> Any:
    """The record of a history row, which has its `_step`."""
    record = _record_class()()
    record.history.step.num = row["_step"]
    for key, value in row.items():
        item = record.history.item.add()
        item.nested_key.append(key)
        item.value_json = json.dumps(value)
    return record


def exit_record() -> bytes:
    """The last record of a run that has ended in order."""
    record = _record_class()()
    record.exit.exit_code = 0
    return bytes(record.SerializeToString())
