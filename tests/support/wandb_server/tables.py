"""Reads Tables out of artifacts, the way a person sees them."""

import json
import re
from dataclasses import dataclass
from typing import Any

from tests.support.wandb_server.artifacts import Artifact, Artifacts

INCREMENTAL_TYPE = "wandb-run-incremental-table"
_FILE = re.compile(r"(?:(?:None|\d+)-\d+\.)?(?P<key>.+)\.table\.json")


@dataclass
class Table:
    """A Table: rows of cells in the order of `columns`."""

    columns: list[str]
    rows: list[list[Any]]

    def records(self) -> list[dict[str, Any]]:
        """The rows as dicts."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def read_tables(artifacts: Artifacts, run: str) -> dict[str, Table]:
    """The Tables in a run's committed artifacts, by key. Increments are appended in the order of their versions."""
    tables: dict[str, Table] = {}
    for artifact in artifacts.committed(run):
        for key, table in _tables_in(artifacts, artifact):
            if artifact.collection.type == INCREMENTAL_TYPE and key in tables:
                tables[key].rows += table.rows
            else:
                tables[key] = table
    return tables


def _tables_in(artifacts: Artifacts, artifact: Artifact) -> list[tuple[str, Table]]:
    found = []
    for name in artifacts.own_entries(artifact):
        match = _FILE.fullmatch(name)
        if match:
            content = json.loads(artifacts.file(artifact, name))
            found.append((match["key"], Table(content["columns"], content["data"])))
    return found
