"""Rows of plain values into the files of a Table, one at a time. wandb makes three lists and two texts of all of them,
and asks thirty things of each cell, a tensor's shape among them: in an app it is the app's memory and time (P10)."""

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import msgspec

from spanwand.sinks.wandb import core

Rows = Sequence[Sequence[object]]
_EXTENSION = ".table.json"
_encode = msgspec.json.Encoder().encode


class _File(NamedTuple):
    """What the file of a Table in an artifact is to say beside its rows."""

    artifact: Any
    told: dict[str, Any]


class StreamedRows:
    """Answers for a `wandb.Table` as if it held `rows`; while there are none, as it is."""

    def __init__(self, table: Any) -> None:
        self.rows: Rows = ()
        self._table = table
        self._file: _File | None = None
        self._to_json, self._bind_to_run = table.to_json, table.bind_to_run
        table.to_json, table.with_suffix, table.bind_to_run = self.to_json, self.with_suffix, self.bind_to_run

    def to_json(self, target: object) -> dict[str, Any]:
        """What a history row says of the Table, or what its file in an artifact holds."""
        told: dict[str, Any] = self._to_json(target)
        if self.rows:
            told["nrows"] = len(self.rows)
        if self.rows and "data" in told:
            told["data"] = object()  # no JSON: should wandb write the file by itself, it fails, and no row is left out
            self._file = _File(target, told)
        return told

    def with_suffix(self, name: str, filetype: str = "json") -> str:
        """The name of the Table's file. wandb asks for it before it writes one, and takes one that is there by then."""
        path: str = type(self._table).with_suffix(name, filetype)
        if self._file:
            (artifact, told), self._file = self._file, None
            with _written(told, self.rows) as written:
                artifact.add_file(str(written), path)  # a copy, where wandb has its own
            if self._table._artifact_target is None:
                self._table._set_artifact_target(artifact, path)
        return path

    def bind_to_run(self, *args: Any, **kwargs: Any) -> None:
        """Put a copy of the columns and rows into the run's folder."""
        if not self.rows:
            self._bind_to_run(*args, **kwargs)
            return
        with _written({"columns": self._table.columns}, self.rows) as path:
            with path.open("rb") as content:  # `_set_file` reads all of it at once
                digest = hashlib.file_digest(content, "sha256").hexdigest()
            size = path.stat().st_size
            vars(self._table).update(_path=str(path), _is_tmp=True, _extension=_EXTENSION, _sha256=digest, _size=size)
            super(type(self._table), self._table).bind_to_run(*args, **kwargs)  # type: ignore[misc]  # of `wandb.Media`


@contextmanager
def _written(told: dict[str, Any], rows: Rows) -> Iterator[Path]:
    """A temporary file with a JSON object: what is told, and the rows as its `data`. Who wants to keep it moves it."""
    path = core.keep_temporary_folder() / f"{uuid4().hex}{_EXTENSION}"
    beside = {name: value for name, value in told.items() if name != "data"}
    try:
        with path.open("wb") as file:
            file.write(json.dumps(beside, sort_keys=True).removesuffix("}").encode() + b', "data": [')
            for place, row in enumerate(rows):
                file.write(b",\n" if place else b"")
                file.write(_line(row))
            file.write(b"]}")
        yield path
    finally:
        path.unlink(missing_ok=True)


def _line(row: Sequence[object]) -> bytes:
    """As wandb writes it, which knows infinity. JSON has no NaN: that is what does not equal itself."""
    try:
        if math.inf not in row and -math.inf not in row:
            return _encode(row)
    except UnicodeEncodeError:  # half a surrogate pair
        pass
    return json.dumps([None if cell != cell else cell for cell in row]).encode()
