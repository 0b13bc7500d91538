"""Runs that a crash or W&B cut short are completed in the background, verified by reading back (P2, P8, design §1)."""

import contextlib
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path

import msgspec
import pytest
from tests.support.daemon import COMPLETED_S, until
from tests.support.online import API, ARM, assert_exactly_once, batch, expected_points, point_rows, sink, with_alerts
from tests.support.sink_process import SinkProcess
from tests.support.wandb_server import Fault, WandbServer

from spanwand.batch import Batch
from spanwand.sinks.wandb.ledger import read_descriptions
from spanwand.tables import TABLES

pytestmark = pytest.mark.timeout(COMPLETED_S + 100)
FILE_STREAM = "POST */file_stream *"


@pytest.fixture
def server() -> Iterator[WandbServer]:
    with WandbServer() as server:
        yield server


def uploads(tmp_path: Path) -> Counter[str]:
    """How many runs are in each state."""
    return Counter(run.upload for run in read_descriptions(tmp_path / "wandb"))


def until_verified(tmp_path: Path, runs: int) -> None:
    until(lambda: uploads(tmp_path)["verified"] == runs, COMPLETED_S)


def crash_with_half_uploaded(server: WandbServer, tmp_path: Path) -> None:
    """Two runs with five batches each, of which W&B has two."""
    with sink(server, tmp_path) as process:
        for number in (1, 2):
            sent = batch(number, rows=number % 2)
            assert process.deliver(with_alerts(sent, API) if number == 2 else sent)[-1].outcome == "Delivered"
        until(lambda: all(len(run.history_lines.lines) == 2 + len(TABLES) for run in server.runs))
        server.faults.add(Fault(FILE_STREAM, "hang"))
        for number in (3, 4, 5):
            assert process.deliver(batch(number))[-1].outcome == "Delivered"
        process.kill()
    server.faults.clear()


BATCHES = {1: 1, 2: 0, 3: 0, 4: 0, 5: 0, 6: 1}


@pytest.mark.slow
def test_a_crashed_run_is_completed_from_its_log(server: WandbServer, tmp_path: Path) -> None:
    """R44, R1: each row is there once, whatever part of it W&B had already."""
    crash_with_half_uploaded(server, tmp_path)
    with sink(server, tmp_path) as process:
        assert process.deliver(batch(6, rows=1))[-1].outcome == "Delivered"
        until_verified(tmp_path, runs=2)
        assert [run.state for run in server.runs] == ["finished"] * 2 + ["running"] * 2
        process.close()
    assert_exactly_once(server, BATCHES)
    assert [len(run.alerts) for run in server.runs] == [1, 0, 0, 0]
    assert not list((tmp_path / "wandb").glob("completion-*"))


@pytest.mark.faults
def test_stale_answers_do_not_double_anything(server: WandbServer, tmp_path: Path) -> None:
    """R45: for some time W&B says it has fewer rows than it has. No upload begins while its answers disagree."""
    crash_with_half_uploaded(server, tmp_path)
    server.world.stale_reads += [3, 2, 2]
    with sink(server, tmp_path) as process:
        assert process.deliver(batch(6, rows=1))[-1].outcome == "Delivered"
        until_verified(tmp_path, runs=2)
        process.close()
    assert server.world.stale_reads == []
    assert_exactly_once(server, BATCHES)


@pytest.mark.faults
def test_a_stale_count_in_the_middle_of_an_upload_is_made_good(server: WandbServer, tmp_path: Path) -> None:
    """R45: wandb begins at the row it is told, and overwrites two. Reading back shows it; they are sent again."""
    crash_with_half_uploaded(server, tmp_path)
    server.world.stale_upserts.append(2)
    with sink(server, tmp_path) as process:
        assert process.deliver(batch(6, rows=1))[-1].outcome == "Delivered"
        until_verified(tmp_path, runs=2)
        process.close()
    assert server.world.stale_upserts == []
    for key in (API, ARM):
        found = sorted(point_rows(server, key), key=itemgetter("spanwand/batch"))
        assert found == expected_points(*BATCHES)


@pytest.mark.slow
def test_a_200_that_lies_is_found_out(server: WandbServer, tmp_path: Path) -> None:
    """R14: W&B says it took the last lines, and did not. wandb believes it; what is read back does not."""
    with sink(server, tmp_path) as process:
        for number in (1, 2):
            assert process.deliver(batch(number))[-1].outcome == "Delivered"
        server.faults.add(Fault(FILE_STREAM, "ignore"))
        process.close()
    assert uploads(tmp_path) == {"claimed": 2}
    server.faults.clear()
    with sink(server, tmp_path) as process:
        assert process.deliver(batch(3))[-1].outcome == "Delivered"
        until_verified(tmp_path, runs=2)
        process.close()
    assert_exactly_once(server, {1: 0, 2: 0, 3: 0})


@pytest.mark.faults
def test_while_wandb_is_away_nothing_is_verified_and_nothing_waits(server: WandbServer, tmp_path: Path) -> None:
    """R10: a completion that hangs does not hold up the end."""
    crash_with_half_uploaded(server, tmp_path)
    with sink(server, tmp_path) as process:
        assert process.deliver(batch(6))[-1].outcome == "Delivered"
        server.faults.add(Fault("POST /graphql Run", "hang"))
        server.faults.add(Fault("POST /graphql UpsertBucket", "hang"))
        begun_s = time.monotonic()
        process.close(deadline_s=6)
        assert time.monotonic() - begun_s < 6
    assert uploads(tmp_path)["verified"] < 4
    server.faults.clear()
    with sink(server, tmp_path) as process:
        assert process.deliver(batch(7, keys=(API, ARM)))[-1].outcome == "Delivered"
        until_verified(tmp_path, runs=4)
        process.close()
    assert_exactly_once(server, {1: 1, 2: 0, 3: 0, 4: 0, 5: 0, 6: 0, 7: 0})


@pytest.mark.slow
@pytest.mark.parametrize("operation", ["CreateArtifact", "UpdateArtifactManifest", "CommitArtifact"])
def test_an_answer_that_breaks_off_does_not_double_rows(server: WandbServer, tmp_path: Path, operation: str) -> None:
    """R14: wandb-core takes it for a refusal, though W&B has done it. The same artifact is handed over again."""
    with sink(server, tmp_path) as process:
        assert process.deliver(batch(1, rows=1))[-1].outcome == "Delivered"
        server.faults.add(Fault(f"POST /graphql {operation}", "cut", times=2))
        first, *_, last = process.deliver(batch(2, rows=1))
        assert (first.outcome, last.outcome) == ("Retry", "Delivered")
        assert process.deliver(batch(3, rows=1))[-1].outcome == "Delivered"
        process.close()
    assert_exactly_once(server, {1: 1, 2: 1, 3: 1})


@pytest.mark.slow
def test_a_stop_after_an_answer_that_breaks_off_does_not_double_rows(server: WandbServer, tmp_path: Path) -> None:
    """R10, R14: the next process finds the rows in the spool, and sends what W&B does not show."""
    with sink(server, tmp_path) as process:
        assert process.deliver(batch(1, rows=1))[-1].outcome == "Delivered"
        server.faults.add(Fault("POST /graphql CommitArtifact", "cut", times=2))
        server.faults.add(Fault("POST /graphql CreateArtifact", "drop_before", skip=2))
        assert process.write(batch(2, rows=1)).outcome == "Retry"
        process.close()
    server.faults.clear()
    with sink(server, tmp_path) as process:
        for number in (2, 3):
            assert process.deliver(batch(number, rows=1))[-1].outcome == "Delivered"
        until_verified(tmp_path, runs=2)
        process.close()
    assert_exactly_once(server, {1: 1, 2: 1, 3: 1})


@pytest.mark.slow
def test_rows_that_wandb_took_before_their_history_row_was_on_disk(server: WandbServer, tmp_path: Path) -> None:
    """P2, R44: the log is flushed twice a second; a kill before that leaves only the spool to tell of them."""
    with sink(server, tmp_path) as process:
        assert process.deliver(batch(1, rows=1))[-1].outcome == "Delivered"
        writer = threading.Thread(target=unheard, args=(process, batch(2, rows=1)))
        writer.start()
        until(lambda: len(server.artifacts.committed()) > 2 * len(TABLES), 60)
        process.kill()
        writer.join()
    with sink(server, tmp_path) as process:
        for number in (2, 3):
            assert process.deliver(batch(number, rows=1))[-1].outcome == "Delivered"
        until_verified(tmp_path, runs=2)
        process.close()
    assert_exactly_once(server, {1: 1, 2: 1, 3: 1})


@pytest.mark.slow
def test_rows_that_wandb_took_just_before_a_kill_are_not_sent_again(server: WandbServer, tmp_path: Path) -> None:
    """P2, R44: W&B commits them when nobody is left to hear it. They are completed, as the same artifact."""
    with sink(server, tmp_path) as process:
        assert process.deliver(batch(1, rows=1))[-1].outcome == "Delivered"
        commit = server.faults.add(Fault("POST /graphql CommitArtifact", "slow", delay_s=60.0))
        writer = threading.Thread(target=unheard, args=(process, batch(2, rows=1)))
        writer.start()
        until(lambda: commit.hits == 2 * len(TABLES), 60)
        process.kill()
        writer.join()
    server.faults.clear()
    until(lambda: len(server.artifacts.committed()) == 4 * len(TABLES))
    with sink(server, tmp_path) as process:
        for number in (2, 3):
            assert process.deliver(batch(number, rows=1))[-1].outcome == "Delivered"
        until_verified(tmp_path, runs=2)
        process.close()
    assert_exactly_once(server, {1: 1, 2: 1, 3: 1})


def unheard(process: SinkProcess, written: Batch) -> None:
    with contextlib.suppress(msgspec.DecodeError, BrokenPipeError):
        process.write(written)


@pytest.mark.slow
def test_what_is_verified_is_cleared_away(server: WandbServer, tmp_path: Path) -> None:
    """K5, P6: prompts do not rest on this disk once W&B has them. What is not verified, and who has what, stays."""
    directory = tmp_path / "wandb"
    with sink(server, tmp_path) as process:
        assert process.write(batch(1, rows=2)).outcome == "Delivered"
        process.close()
    old = time.time() - 4_000
    staging = directory / "data" / "artifacts" / "staging"
    assert not list(staging.iterdir())  # what W&B has is moved out of there
    cached = [path for path in (directory / "cache").rglob("*") if path.is_file()]
    assert cached
    left_over = staging / "left_over"  # as by a crash, and by tables with images
    left_over.write_text("a prompt")
    for path in (left_over, *(directory / "cache").rglob("*")):
        os.utime(path, (old, old))
    folders = set((directory / "wandb").glob("run-*"))
    with sink(server, tmp_path, keep_s=0.0) as process:
        assert process.write(batch(1, rows=2)).outcome == "Delivered"
        assert process.write(batch(2, rows=2)).outcome == "Delivered"
        until_verified(tmp_path, runs=2)
        until(lambda: not any(folder.exists() for folder in folders))
        until(lambda: not any(path.exists() for path in (left_over, *cached)))
        process.close()
    assert len(list((directory / "wandb").glob("run-*"))) == 2
    assert_exactly_once(server, {1: 2, 2: 2})
