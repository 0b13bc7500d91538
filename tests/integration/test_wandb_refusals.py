"""R12: what W&B refuses for good is found among what it takes, kept aside and counted; the rest gets in, once."""

import contextlib
import json
import stat
import threading
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.support.daemon import COMPLETED_S, until
from tests.support.online import (
    API,
    ARM,
    assert_exactly_once,
    batch,
    expected_points,
    point_rows,
    row,
    sink,
    table_rows,
)
from tests.support.wandb_server import Fault, WandbServer

from spanwand.sinks.wandb.ledger import read_descriptions
from spanwand.stored.read import read
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
@pytest.mark.timeout(COMPLETED_S + 100)
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
        until(lambda: upload_states(tmp_path) == ["open", "verified"], COMPLETED_S)
        process.close()
    assert sorted(point_rows(server, API), key=itemgetter("spanwand/batch")) == expected_points(1, 3, 4, 5)
    assert {run.state for run in server.runs} == {"finished"}
    assert [letter["points"]["spanwand/batch"] for letter in letters(tmp_path)] == [2 * 512]
    assert all("400 (fault injected)" in letter["why"] for letter in letters(tmp_path))
    assert sum(fault.hits for fault in faults) < 10
    assert server.problems() == []


def test_a_run_that_wandb_will_not_have_is_given_up(server: WandbServer, tmp_path: Path) -> None:
    """If W&B takes others; theirs is all there."""
    server.faults.add(Fault("POST /graphql UpsertBucket", "status", status=422, body=API.name))
    with sink(server, tmp_path) as process:
        for number, rows in {1: 2, 2: 0}.items():
            assert process.deliver(batch(number, rows=rows))[-1].outcome == "Delivered"
        process.close()
    assert_exactly_once(server, {1: 2, 2: 0}, keys=(ARM,))
    found = letters(tmp_path)
    assert {letter["run"]["name"] for letter in found} == {API.name}
    assert [letter["points"]["llm/requests"] for letter in found if not letter["table"]] == [1, 2]
    assert {letter["table"]: len(letter["rows"]) for letter in found if letter["table"]} == dict.fromkeys(TABLES, 2)
    assert not [path for path in (tmp_path / "wandb" / "wandb").glob("run-*") if not list(path.glob("*.wandb"))]


STATES: dict[str, dict[str, Any]] = {
    "no run at all": {"pattern": "POST /graphql UpsertBucket", "status": 400},
    "runs are forbidden": {"pattern": "POST /graphql UpsertBucket", "status": 403},
    "rows are forbidden": {"pattern": "POST /graphql CreateArtifact", "status": 403},
    "the key is wrong for rows": {"pattern": "PUT /storage/artifacts/*", "status": 401},
}


@pytest.mark.parametrize("name", STATES)
def test_what_a_person_can_mend_is_a_state_and_costs_nothing(server: WandbServer, tmp_path: Path, name: str) -> None:
    """401 and 403 are about the key; a W&B that takes no run is no W&B, or not this project's."""
    server.faults.add(Fault(kind="status", message="ask your admin", **STATES[name]))
    with sink(server, tmp_path) as process:
        reply = process.write(batch(1, rows=2, keys=(API,)))
        assert (reply.outcome, "ask your admin" in reply.why) == ("Retry", True), reply
        server.faults.clear()
        assert process.deliver(batch(1, rows=2, keys=(API,)))[-1].outcome == "Delivered"
        process.close()
    assert_exactly_once(server, {1: 2}, keys=(API,))
    assert letters(tmp_path) == []


@pytest.mark.faults
def test_if_every_row_is_refused_it_ends(server: WandbServer, tmp_path: Path) -> None:
    """Never an endless loop: W&B stores no rows whatever. Metrics go on."""
    fault = server.faults.add(Fault("PUT /storage/artifacts/*", "status", status=400))
    with sink(server, tmp_path) as process:
        for number in (1, 50):
            assert process.deliver(batch(number, rows=300, keys=(API,)), timeout_s=90)[-1].outcome == "Delivered"
        process.close()
    assert point_rows(server, API) == expected_points(1, 50)
    assert sum(len(letter["rows"]) for letter in letters(tmp_path)) == 2 * 300 * len(TABLES)
    assert fault.hits < 2 * len(TABLES) * 60


@pytest.mark.faults
@pytest.mark.parametrize("after", [1, 4, 6, 9])
def test_a_kill_while_bad_rows_are_being_isolated(server: WandbServer, tmp_path: Path, after: int) -> None:
    """P2: nothing comes twice, in the runs or in the file; what W&B has not is in the file, or waits in the spool."""
    bad = {13, 47}
    faults = [refuse_row(server, number, 413) for number in bad]
    with sink(server, tmp_path) as process:

        def kill() -> None:
            until(lambda: sum(fault.hits for fault in faults) >= after)
            process.kill()

        killer = threading.Thread(target=kill)
        killer.start()
        with contextlib.suppress(OSError, msgspec.DecodeError):
            process.write(batch(1, rows=ROWS, keys=(API,)))
        killer.join()
    with sink(server, tmp_path) as process:
        assert process.deliver(batch(1, rows=ROWS, keys=(API,)))[-1].outcome == "Delivered"
        process.close()
    spooled = read(tmp_path / "wandb").runs
    for table in TABLES:
        names = [column.name for column in TABLES[table]]
        there = table_rows(server, API, table)
        kept = [cells for letter in letters(tmp_path) if letter["table"] == table for cells in letter["rows"]]
        given_up = [tuple(cells[name] for name in names) for cells in kept]
        waiting = [tuple(cells) for run in spooled if table in run.tables for cells in run.tables[table].rows]
        assert len(set(there)) == len(there)
        assert len(set(given_up)) == len(given_up)
        assert {*there, *given_up, *waiting} == {row(table, number) for number in range(10, 10 + ROWS)}
        assert not {*there} & {row(table, number) for number in bad}
        assert {*given_up} <= {row(table, number) for number in bad}
