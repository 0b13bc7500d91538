"""Our W&B sink online while W&B refuses, hangs, is down or loses answers: nothing lost, nothing twice (P2, P8, K2)."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.daemon import until
from tests.support.online import ABSENT, API, INIT_TIMEOUT_S, assert_exactly_once, batch, sink
from tests.support.wandb_server import API_KEY, Fault, WandbServer

ROWS_BOUND_S = 45.0
"""Longest `write` of rows: one Table that blocks, and the wait for what was logged."""
BOUND_S = INIT_TIMEOUT_S + 6.0
"""A `write` that cannot start a run is back by then: the time-out, and what starting wandb itself takes at worst."""


@pytest.fixture
def server() -> Iterator[WandbServer]:
    with WandbServer(up=False) as server:
        yield server


@pytest.mark.parametrize("name", ABSENT)
def test_without_wandb_it_says_why_and_delivers_later(server: WandbServer, tmp_path: Path, name: str) -> None:
    """P8, R11: bounded, with a reason, without the key in it; once W&B answers, all of it is there once."""
    begin, end, reason = ABSENT[name]
    begin(server)
    with sink(server, tmp_path) as process:
        replies = [process.write(batch(1, rows=2)) for _ in range(2)]
        end(server)
        for number, rows in {1: 2, 2: 0, 3: 1}.items():
            assert process.deliver(batch(number, rows=rows))[-1].outcome == "Delivered"
        process.close()
    for reply in replies:
        assert (reply.outcome, reason in reply.why, API_KEY in reply.why) == ("Retry", True, False), reply
        assert reply.took_s < BOUND_S
        assert 0 < reply.after_s <= 60
    assert API_KEY not in (tmp_path / "wandb.stderr").read_text()
    assert_exactly_once(server, {1: 2, 2: 0, 3: 1})


ANSWERED_ONCE = (
    "POST */file_stream *",
    "POST /graphql UpsertBucket",
    "POST /graphql CreateArtifact",
    "POST /graphql CreateArtifactFiles",
    "PUT /storage/artifacts/*",
    "POST /graphql CommitArtifact",
)
FAULTS: dict[str, list[dict[str, Any]]] = {
    "it is done, its answer is lost, and when it is asked for again it fails": [
        {"pattern": pattern, "times": 1, **fault}
        for pattern in ANSWERED_ONCE
        for fault in ({"kind": "drop_after"}, {"kind": "status", "status": 503})
    ],
    "file stream refuses for a while": [
        {"pattern": "POST */file_stream *", "kind": "status", "status": 500, "times": 2},
        {"pattern": "POST */file_stream *", "kind": "status", "status": 429, "retry_after_s": 1, "times": 2},
    ],
    "answers are lost": [
        {"pattern": "POST */file_stream *", "kind": "drop_after", "times": 2},
        {"pattern": "POST /graphql UpsertBucket", "kind": "drop_after", "times": 1},
        {"pattern": "POST /graphql CreateArtifact", "kind": "drop_after", "times": 1},
        {"pattern": "POST /graphql UpdateArtifactManifest", "kind": "drop_after", "times": 1},
        {"pattern": "POST /graphql CommitArtifact", "kind": "drop_after", "times": 1},
    ],
    "storage refuses for a while": [{"pattern": "PUT *", "kind": "status", "status": 503, "times": 4}],
    "a table is refused": [{"pattern": "POST /graphql CommitArtifact", "kind": "graphql_error", "times": 1}],
    "tables are refused once each": [{"pattern": "POST /graphql CreateArtifact", "kind": "graphql_error", "times": 4}],
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_cost_nothing(server: WandbServer, tmp_path: Path, name: str) -> None:
    """R11, R14: every point and row is there once, whatever had to be sent again."""
    server.up()
    faults = [server.faults.add(Fault(**fields)) for fields in FAULTS[name]]
    with sink(server, tmp_path) as process:
        for number in (1, 2):
            assert process.deliver(batch(number, rows=2))[-1].outcome == "Delivered"
        process.close()
    assert [fault.hits for fault in faults] == [fault.times for fault in faults]
    assert_exactly_once(server, {1: 2, 2: 2})
    begun = [run for run in server.runs if server.history(run)]  # one whose start was given up has none
    assert [run.state for run in begun] == ["finished"] * 2


def test_metrics_go_on_while_wandb_is_down(server: WandbServer, tmp_path: Path) -> None:
    """P2, R13: an open run's points are safe in its transaction log; they arrive when W&B is back."""
    server.up()
    with sink(server, tmp_path) as process:
        assert process.write(batch(1, rows=1)).outcome == "Delivered"
        server.down()
        for number in range(2, 12):
            assert process.write(batch(number)).outcome == "Delivered"
        server.up()
        assert process.write(batch(12, rows=1)).outcome == "Delivered"
        process.close()
    assert_exactly_once(server, {1: 1, **dict.fromkeys(range(2, 12), 0), 12: 1})


@pytest.mark.slow
def test_rows_wait_while_wandb_hangs(server: WandbServer, tmp_path: Path) -> None:
    """P2: rows are not called delivered before W&B has them, and are there once when it answers.

    Slow: while W&B hangs, the SDK blocks 19 s whenever it logs a Table.
    """
    server.up()
    with sink(server, tmp_path) as process:
        assert process.write(batch(1, rows=1)).outcome == "Delivered"
        server.faults.add(Fault("*", "hang"))
        reply = process.write(batch(2, rows=1))
        assert (reply.outcome, API_KEY in reply.why) == ("Retry", False), reply
        assert reply.took_s < ROWS_BOUND_S
        server.faults.clear()
        assert process.deliver(batch(2, rows=1))[-1].outcome == "Delivered"
        process.close()
    assert_exactly_once(server, {1: 1, 2: 1})


@pytest.mark.slow
def test_a_kill_before_rows_are_in_neither_loses_nor_doubles_them(server: WandbServer, tmp_path: Path) -> None:
    """P2, R44: rows that W&B has not confirmed were spooled; the next process completes the run that they are in."""
    server.up()
    with sink(server, tmp_path) as process:
        assert process.write(batch(1, rows=1)).outcome == "Delivered"
        server.faults.add(Fault("POST /graphql CommitArtifact", "hang"))
        assert process.write(batch(2, rows=1)).outcome == "Retry"
        process.kill()
    server.faults.clear()
    with sink(server, tmp_path) as process:
        for number in (2, 3):
            assert process.deliver(batch(number, rows=1))[-1].outcome == "Delivered"
        until(lambda: [run.state for run in server.runs][:2] == ["finished"] * 2, 40)
        process.close()
    assert_exactly_once(server, {1: 1, 2: 1, 3: 1})
    assert len(server.runs) == 4


@pytest.mark.slow
def test_a_final_refusal_ends_a_run_but_loses_nothing(server: WandbServer, tmp_path: Path) -> None:
    """R12: after a 403 the SDK never uploads that run again. A new run follows; the old one is completed from its log.

    Slow: wandb-core tells of it some 15 s later.
    """
    server.up()
    with sink(server, tmp_path) as process:
        assert process.write(batch(1, rows=1, keys=(API,))).outcome == "Delivered"
        server.faults.add(Fault("POST */file_stream *", "status", status=403, times=1))
        numbers = iter(range(2, 60))
        while len(server.runs) == 1:
            assert process.write(batch(next(numbers), keys=(API,))).outcome == "Delivered"
            time.sleep(1)
        assert server.runs[0].state == "running"
        until(lambda: server.runs[0].state == "finished", timeout_s=40)
        process.close()
    assert [run.state for run in server.runs] == ["finished", "finished"]
    written = {1: 1, **dict.fromkeys(range(2, next(numbers)), 0)}
    assert_exactly_once(server, written, keys=(API,))
