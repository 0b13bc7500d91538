"""Rows of plain values into a Table's artifact as they stand. wandb asks thirty things of each cell, a tensor's shape
among them, which took more than half the time of an upload: in an app it is the app's (P10)."""

import importlib
from collections.abc import Callable
from typing import Any

PLAIN = frozenset({str, int, float, bool, type(None)})


def to_json(table: Any, of_wandb: Callable[[object], dict[str, Any]], target: object) -> dict[str, Any]:
    """What `of_wandb`, the table's own `to_json`, says for a run or an artifact."""
    rows = table.data
    is_artifact = isinstance(target, importlib.import_module("wandb").Artifact)
    if not is_artifact or not all(PLAIN.issuperset(map(type, row)) for row in rows):
        return of_wandb(target)
    table.data = []
    try:
        told = of_wandb(target)
    finally:
        table.data = rows
    return told | {"data": [_without_nan(row) for row in rows], "nrows": len(rows)}


def _without_nan(row: list[Any]) -> list[Any]:
    """JSON has none; what is not equal to itself is one."""
    return [None if cell != cell else cell for cell in row]
