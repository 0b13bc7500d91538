"""R12: what W&B refuses for good is found among what it takes, kept aside and counted; the rest gets in, once."""

import json
import stat
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from tests.support.daemon import until
from tests.support.online import API, ARM, batch, expected_points, point_rows, row, sink, table_rows
from tests.support.wandb_server import Fault, WandbServer

from spanwand.sinks.wandb.ledger import read_descriptions
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
    assert all(f"{status} (fault injected)" in letter["why"] for letter in found)
    assert sum(fault.hits for fault in faults) < 2 * len(TABLES) * 20
    assert stat.S_IMODE((tmp_path / "wandb" / "refused.jsonl").stat().st_mode) == 0o600
    assert server.problems() == []


def refuse_steps(server: WandbServer, *numbers: int) -> list[Fault]:
    """W&B will not store a history that has these steps in it: wandb ends the upload of the run for good."""
    marks = [f'spanwand/batch\\":{number * 512}' for number in numbers]
    return [server.faults.add(Fault("POST */file_stream *", "status", status=400, body=mark)) for mark in marks]


def upload_states(tmp_path: Path) -> list[str]:
    return sorted(run.upload for run in read_descriptions(tmp_path / "wandb"))


@pytest.mark.slow
def test_bad_history_steps_are_given_up_and_the_others_get_in(server: WandbServer, tmp_path: Path) -> None:
    """Their run is completed from its log without them; a new run of the group goes on meanwhile."""
    faults = refuse_steps(server, 2)
    with sink(server, tmp_path) as process:
        for number in range(1, 5):
            assert process.deliver(batch(number, keys=(API,)))[-1].outcome == "Delivered"
        process.close()
    assert len(point_rows(server, API)) < 4
    with sink(server, tmp_path) as process:
        assert process.deliver(batch(5, keys=(API,)))[-1].outcome == "Delivered"
        until(lambda: upload_states(tmp_path) == ["open", "verified"], timeout_s=90)
        process.close()
    assert sorted(point_rows(server, API), key=itemgetter("spanwand/batch")) == expected_points(1, 3, 4, 5)
    assert {run.state for run in server.runs} == {"finished"}
    assert [letter["points"]["spanwand/batch"] for letter in letters(tmp_path)] == [2 * 512]
    assert all("400 (fault injected)" in letter["why"] for letter in letters(tmp_path))
    assert sum(fault.hits for fault in faults) < 10
    assert server.problems() == []
