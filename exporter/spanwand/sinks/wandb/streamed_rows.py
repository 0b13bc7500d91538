"""Rows of plain values into the files of a Table, one at a time. wandb makes three lists and two texts of all of them,
and asks thirty things of each cell, a tensor's shape among them: in an app it is the app's memory and time (P10)."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import uuid4

from spanwand.sinks.wandb import core

Rows = Sequence[Sequence[object]]
_EXTENSION = ".table.json"


class StreamedRows:
    """Answers for a `wandb.Table` as if it held `rows`; while there are none, as it is."""

    def __init__(self, table: Any) -> None:
        self.rows: Rows = ()
        self._table = table
        self._to_json, self._bind_to_run = table.to_json, table.bind_to_run
        table.to_json, table.bind_to_run = self.to_json, self.bind_to_run

    def to_json(self, target: object) -> dict[str, Any]:
        """What a history row says of the Table, or what its file in an artifact holds."""
        told: dict[str, Any] = self._to_json(target)
        if self.rows:
            told["nrows"] = len(self.rows)
        if self.rows and "data" in told:
            told["data"] = OneByOne(self.rows)
        return told

    def bind_to_run(self, *args: Any, **kwargs: Any) -> None:
        """Put a copy of the columns and rows into the run's folder."""
        if not self.rows:
            self._bind_to_run(*args, **kwargs)
            return
        path = core.keep_temporary_folder() / f"{uuid4().hex}{_EXTENSION}"
        with path.open("w", encoding="utf-8") as file:
            file.write(f'{{"columns": {json.dumps(self._table.columns)}, "data": [')
            for place, row in enumerate(OneByOne(self.rows)):
                file.write(f"{', ' if place else ''}{json.dumps(row)}")
            file.write("]}")
        with path.open("rb") as content:  # `_set_file` reads all of it at once
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        size = path.stat().st_size
        vars(self._table).update(_path=str(path), _is_tmp=True, _extension=_EXTENSION, _sha256=digest, _size=size)
        super(type(self._table), self._table).bind_to_run(*args, **kwargs)  # type: ignore[misc]  # of `wandb.Media`


class OneByOne(list[Any]):
    """A list for `json.dump`, which asks for its elements. What looks into its memory instead finds what is no JSON."""

    def __init__(self, rows: Rows) -> None:
        super().__init__([object()])
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[list[object]]:
        """JSON has no NaN: that is what does not equal itself."""
        return ([None if cell != cell else cell for cell in row] for row in self._rows)
