"""Runs as `spanwand read` gives them back. This is the JSON contract of docs/read.md."""

from typing import Any, Literal

import msgspec

VERSION = 1
"""Version of the contract. It changes when a field changes its meaning or goes away."""

State = Literal["finished", "failed", "running", "crashed"]


class StoredTable(msgspec.Struct, kw_only=True):
    """One Table of one run, all increments and history keys together."""

    columns: list[str]
    rows: list[list[Any]]
    increments: int = 0
    missing_increments: int = 0
    """Increments whose file is not there any more; their rows are missing."""


class StoredRun(msgspec.Struct, kw_only=True):
    """One run. Numbers that JSON cannot say (NaN, infinities) are null."""

    id: str
    entity: str = ""
    project: str = ""
    group: str = ""
    job_type: str = ""
    name: str = ""
    tags: list[str] = []
    state: State
    config: dict[str, Any] = {}
    summary: dict[str, Any] = {}
    history: list[dict[str, Any]] = []
    """One entry per `run.log` call; those that only add to a Table are left out."""
    tables: dict[str, StoredTable] = {}
    notes: list[str] = []
    """What is wrong with the stored files, in words."""
    source: str
    """The file it was read from, relative to the path that was asked for."""


class Stored(msgspec.Struct, kw_only=True):
    """Everything below one path."""

    version: int = VERSION
    runs: list[StoredRun]


def merge_rows(table: StoredTable, columns: list[str], rows: list[list[Any]]) -> None:
    """Append rows to a table; a column that it does not have yet is added, empty so far."""
    new = [column for column in columns if column not in table.columns]
    if new:
        table.columns += new
        for row in table.rows:
            row += [None] * len(new)
    if columns == table.columns:
        table.rows += rows
        return
    positions = [columns.index(column) if column in columns else -1 for column in table.columns]
    table.rows += [[None if at < 0 else row[at] for at in positions] for row in rows]
