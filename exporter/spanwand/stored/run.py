"""Runs as `spanwand read` gives them back. This is the JSON contract of docs/read.md."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import msgspec

VERSION = 1
"""Version of the contract. It changes when a field changes its meaning or goes away."""

State = Literal["finished", "failed", "running", "crashed"]


class Increment(NamedTuple):
    """Rows that one batch added to a table of one run. `window_end_s` is the end of that batch's window."""

    window_end_s: float
    columns: list[str]
    rows: Sequence[Sequence[Any]]


class StoredTable(msgspec.Struct, kw_only=True):
    """One Table of one run, all increments and history keys together."""

    columns: list[str]
    rows: list[list[Any]]
    increments: int = 0
    missing_increments: int = 0
    """Increments whose file is not there any more; their rows are missing."""


class Total(msgspec.Struct, frozen=True):
    """A total from metrics, which is exact, and from rows: within `error` of the exact one in 99 of 100 cases."""

    exact: float
    estimate: float
    error: float


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
    totals: dict[str, Total] = {}
    notes: list[str] = []
    """What is wrong with the stored files, in words."""
    source: str
    """The file it was read from, relative to the path that was asked for."""


class Stored(msgspec.Struct, kw_only=True):
    """Everything below one path."""

    version: int = VERSION
    runs: list[StoredRun]


def merge_rows(table: StoredTable, columns: list[str], rows: Sequence[Sequence[Any]]) -> None:
    """Append rows to a table; a column that it does not have yet is added, empty so far."""
    new = [column for column in columns if column not in table.columns]
    if new:
        table.columns += new
        for row in table.rows:
            row += [None] * len(new)
    if columns == table.columns:
        table.rows += map(list, rows)
        return
    positions = [columns.index(column) if column in columns else -1 for column in table.columns]
    table.rows += [[None if at < 0 else row[at] for at in positions] for row in rows]


def collapse_revisions(table: StoredTable) -> None:
    """Leave out the rows of `requests` that a later revision of the same trace amends.

    Any of them is there with the highest of their probabilities, so the one that stays gets the lowest weight.
    """
    if not {"trace_id", "revision", "sample_weight"} <= set(table.columns):
        return
    trace_id, revision, weight = map(table.columns.index, ("trace_id", "revision", "sample_weight"))
    latest: dict[Any, int] = {}
    amended = set()
    for number, row in enumerate(table.rows):
        if (row[revision] or 1) > 1 and row[trace_id] in latest:
            before = latest[row[trace_id]]
            amended.add(before)
            row[weight] = min(row[weight] or 1.0, table.rows[before][weight] or 1.0)
        latest[row[trace_id]] = number
    table.rows = [row for number, row in enumerate(table.rows) if number not in amended]
