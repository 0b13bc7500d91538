"""R12: what W&B refuses for good is found among what it takes, kept aside and counted; the rest gets in, once."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.online import API, ARM, batch, expected_points, point_rows, row, sink, table_rows
from tests.support.wandb_server import Fault, WandbServer

from spanwand.tables import TABLES

ROWS = 40


@pytest.fixture
def server() -> Iterator[WandbServer]:
    with WandbServer() as server:
        yield server


def letters(tmp_path: Path) -> list[dict[str, Any]]:
    """What was kept of what W&B refused."""
    file = tmp_path / "wandb" / "refused.jsonl"
    return [json.loads(line) for line in file.read_bytes().splitlines()] if file.exists() else []


def refuse_row(server: WandbServer, number: int, status: int) -> Fault:
    """W&B will not store a Table that has this row in it."""
    return server.faults.add(Fault("PUT /storage/artifacts/*", "status", status=status, body=f"line {number}\\n"))


@pytest.mark.parametrize("status", [413, *(pytest.param(status, marks=pytest.mark.faults) for status in (400, 422))])
def test_bad_rows_are_given_up_one_by_one_and_the_others_get_in(
    server: WandbServer, tmp_path: Path, status: int
) -> None:
    """Two of 40 rows in each table; the batch behind them is not held up."""
    bad = {13, 47}
    faults = [refuse_row(server, number, status) for number in bad]
    with sink(server, tmp_path) as process:
        assert [process.deliver(batch(number, rows=rows))[-1].outcome for number, rows in {1: ROWS, 9: 1}.items()] == [
            "Delivered",
            "Delivered",
        ]
        process.close()
    for key in (API, ARM):
        assert point_rows(server, key) == expected_points(1, 9)
        for table in TABLES:
            numbers = [number for number in range(10, 10 + ROWS) if number not in bad] + [90]
            assert table_rows(server, key, table) == [row(table, number) for number in numbers]
    found = letters(tmp_path)
    assert len(found) == len(bad) * 2 * len(TABLES)
    assert {len(letter["rows"]) for letter in found} == {1}
    assert all(str(status) in letter["why"] for letter in found)
    assert sum(fault.hits for fault in faults) < 2 * len(TABLES) * 20
    assert stat.S_IMODE((tmp_path / "wandb" / "refused.jsonl").stat().st_mode) == 0o600
    assert server.problems() == []
