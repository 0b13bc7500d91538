"""A growing W&B Table: only new rows are logged, rows do not stay in memory, no key gets too many increments.

Reaches into privates of `wandb.Table`: it keeps each row for ever, though it logs it only once.
"""

import importlib
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from spanwand.sinks.wandb import core
from spanwand.sinks.wandb.pictures import Pictures
from spanwand.sinks.wandb.streamed_rows import StreamedRows
from spanwand.tables import Column, Type

MAX_INCREMENTS = 100
"""Increments per history key: the UI shows no more, and every history row lists all earlier ones of its key."""

TYPES: Mapping[Type, type] = {Type.TEXT: str, Type.WHOLE: int, Type.NUMBER: float}
"""Of what is no `wandb.Image`."""

logger = logging.getLogger(__name__)


class Increments:
    """One table of one run. After each `add`, either `logged` or `failed` has to be called."""

    def __init__(self, name: str, columns: Sequence[Column]) -> None:
        self.name = name
        self._columns = columns
        self._kinds = [TYPES.get(column.type) or importlib.import_module("wandb").Image for column in columns]
        self._pictures = Pictures()
        self._number = 0
        self._increments = MAX_INCREMENTS
        self._table: Any = None
        self._streamed: StreamedRows

    @property
    def key(self) -> str:
        """The history key in use: the table's name, then `<name>_2`, …"""
        return self.name if self._number == 1 else f"{self.name}_{self._number}"

    def add(self, rows: Sequence[Sequence[object]]) -> dict[str, object]:
        """The history value that logs `rows` as the next increment."""
        if self._table is None or self._increments == MAX_INCREMENTS:
            self._number += self._increments > 0
            self._increments = 0
            self._table = self._new_table()
            self._streamed = StreamedRows(self._table)
        if all(map(self._fits, rows)):
            self._table.add_data(*rows[0])  # begins an increment; the Table needs no more
            self._streamed.rows = rows
        else:
            for place, row in enumerate(self._pictures.shown(rows)):
                if place and self._fits(row):
                    self._table.data.append(row)  # `add_data` takes 50 times as long
                else:
                    self._add(row)
        core.keep_temporary_folder()
        return {self.key: self._table}

    def shown(self) -> dict[str, object]:
        """What the history value says of the increment under way, but for where it lies."""
        return {
            "_type": "incremental-table-file",
            "log_mode": self._table.log_mode,
            "increment_num": self._table._increment_num or 0,
            "previous_increments_paths": list(self._table._previous_increments_paths or ()),
            "ncols": len(self._table.columns),
            "nrows": len(self._streamed.rows or self._table.data),
        }

    def logged(self) -> None:
        """Forget the rows that are logged."""
        self._increments += 1
        self._pictures.forget()
        self._streamed.rows = ()
        self._table.data.clear()
        self._table._last_logged_idx = -1

    def failed(self) -> None:
        """Begin anew: a Table that raised half way is in no state to be used."""
        self._pictures.forget()
        self._table = None

    def _new_table(self) -> Any:
        return importlib.import_module("wandb").Table(
            columns=[column.name for column in self._columns],
            dtype=self._kinds,
            optional=True,
            log_mode="INCREMENTAL",
        )

    def _fits(self, row: Sequence[object]) -> bool:
        """Whether a row is of its columns' types as it stands."""
        if len(row) != len(self._kinds):
            return False
        for cell, kind in zip(row, self._kinds, strict=True):  # quicker than `all`
            if cell is not None and type(cell) is not kind:
                return False
        return True

    def _add(self, row: Sequence[object]) -> None:
        """Add a row; if W&B refuses it, with every cell forced to its column's type. The batch goes on either way."""
        try:
            self._table.add_data(*row)
        except (TypeError, ValueError):
            cells = [fit(cell, kind) for cell, kind in zip(row, self._kinds, strict=False)]
            cells += [None] * (len(self._columns) - len(cells))
            self._table.add_data(*cells)
            logger.warning("a row of table %s did not fit its columns and was forced", self.name)


def fit(cell: object, kind: type) -> object:
    """`cell` as a value of `kind`, or None if it cannot be one."""
    if cell is None or isinstance(cell, kind):
        return cell
    try:
        return kind(cell)
    except (TypeError, ValueError, OverflowError):
        return None
