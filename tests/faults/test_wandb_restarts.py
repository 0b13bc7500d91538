"""R44, R45, R48: the W&B sink is killed, W&B's counts are stale, wandb-core dies; W&B has everything once (P2)."""

import contextlib
import random
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import msgspec
import psutil
import pytest

from spanwand.batch import Batch
from spanwand_sidecar.deliver import SinkStatus
from tests.faults.at_wandb import counted_at, rows_at, unverified
from tests.faults.kill_rounds import SEED, account
from tests.faults.senders import Load, Senders
from tests.faults.targets import Spanwand
from tests.support.daemon import COMPLETED_S, until
from tests.support.online import API, assert_exactly_once, batch, sink
from tests.support.sink_process import SinkProcess
from tests.support.wandb_server import WandbServer
from tests.support.wandb_server.environment import environment

pytestmark = pytest.mark.timeout(COMPLETED_S + 100)
Report = Callable[[str], None]
MAX_KILL_S = 1.5
"""From the moment a batch is offered: what it takes to log, to upload and to confirm it."""
NOTICED_S = 5.0


def one(number: int) -> Batch:
    return batch(number, rows=2, keys=(API,))


def write_until_killed(process: SinkProcess, numbers: range) -> None:
    with contextlib.suppress(msgspec.DecodeError, BrokenPipeError):
        for number in numbers:
            process.write(one(number))


def kill_in_the_middle(process: SinkProcess, first: int, after_s: float) -> None:
    """Deliver one batch, offer the next two, kill."""
    assert process.deliver(one(first), 60)[-1].outcome == "Delivered"
    writer = threading.Thread(target=write_until_killed, args=(process, range(first + 1, first + 3)))
    writer.start()
    time.sleep(after_s)
    process.kill()
    writer.join()


def restart(rounds: int, server: WandbServer, directory: Path, report: Report) -> None:
    """Kill `rounds` processes one after another; each offers again what its predecessor had not been told is in."""
    rng = random.Random(SEED)
    for number in range(1, rounds + 1):
        with sink(server, directory) as process:
            kill_in_the_middle(process, number, rng.uniform(0, MAX_KILL_S))
    with sink(server, directory) as process:
        for number in range(rounds + 1, rounds + 4):
            assert process.deliver(one(number), 60)[-1].outcome == "Delivered"
        left = unverified(directory / "wandb")
        until(lambda: len(left & unverified(directory / "wandb")) <= 1, COMPLETED_S)  # the last one is open
        process.close()
    assert_exactly_once(server, dict.fromkeys(range(1, rounds + 4), 2), keys=(API,))
    for run in server.runs:
        assert all(earlier["_step"] < later["_step"] for earlier, later in pairwise(run.history()))
    report(f"R44 {rounds} restarts by kill -9: {len(server.runs)} runs, {rounds + 3} batches, each point and row once")


@pytest.mark.slow
def test_three_restarts(tmp_path: Path, report: Report) -> None:
    with WandbServer() as server:
        restart(3, server, tmp_path, report)


@pytest.mark.slow
def test_killed_as_soon_as_a_runs_first_rows_are_spooled(tmp_path: Path, report: Report) -> None:
    """R44: they are not offered again, so W&B gets them from the spool, which takes a log that says whose they are."""
    with WandbServer() as server:
        with sink(server, tmp_path) as process:
            writer = threading.Thread(target=write_until_killed, args=(process, range(1, 2)))
            writer.start()
            until(lambda: list(tmp_path.glob("wandb/wandb/run-*/tables/*.wandb")), 30)
            kill_wandb_core(process.pid)
            process.kill()
            writer.join()
        with sink(server, tmp_path) as process:
            left = unverified(tmp_path / "wandb")
            assert process.deliver(one(1), 60)[-1].outcome == "Delivered"
            until(lambda: not left & unverified(tmp_path / "wandb"), COMPLETED_S)
            process.close()
        assert_exactly_once(server, {1: 2}, keys=(API,))
    report("R44 killed at a run's first rows: each point and row once")


@pytest.mark.faults
@pytest.mark.timeout(1500)
def test_fifty_restarts(tmp_path: Path, report: Report) -> None:
    with WandbServer() as server:
        restart(50, server, tmp_path, report)


@pytest.mark.faults
def test_restarts_while_counts_are_stale(tmp_path: Path, report: Report) -> None:
    """R45: every other answer says that there are fewer rows than there are; no upload begins at such a one."""
    stale = [0, 1, 0, 2, 0, 5_000, 0, 3] * 5
    with WandbServer() as server:
        server.world.stale_reads += stale
        restart(8, server, tmp_path, report)
        report(
            f"R45 {len(stale) - len(server.world.stale_reads)} answers, every other stale by 1 to 5,000 rows: the same"
        )


@pytest.mark.slow
def test_a_dead_wandb_core_is_noticed(tmp_path: Path, report: Report) -> None:
    """R48: told by the status within five seconds; nothing is lost or doubled."""
    with WandbServer() as server:
        target = Spanwand(tmp_path, "wandb", WANDB__MODE="online")
        target.environ = environment(server.url, tmp_path / "home")
        with target, Senders(Load(address=target.address, spans_per_s=300), tmp_path / "senders") as senders:
            running = target.running()
            until(lambda: running.status().sinks["wandb"].outcomes.get("delivered"), 40)
            directory = target.data_dir / "wandb"
            broken = unverified(directory)
            kill_wandb_core(running.process.pid)
            killed_s = time.monotonic()
            until(lambda: has_noticed(running.status().sinks["wandb"]), 20)
            noticed_s = time.monotonic() - killed_s
            until(lambda: not broken & unverified(directory), COMPLETED_S)
            senders.stop()
            target.drain()
            found = account(senders.acknowledged(), 1, target.delivered()._replace(rows=rows_at(server)))
            missing = len(rows_at(server)) - counted_at(server)
        assert server.problems() == []
    report(f"R48 wandb-core killed: noticed after {noticed_s:.1f} s; {found}, {missing} not uploaded")
    assert (found.lost, found.doubled, found.miscounted, found.miscounted_tokens, missing) == (0, 0, 0, 0, 0)
    assert noticed_s < NOTICED_S


def kill_wandb_core(pid: int) -> None:
    (core,) = [child for child in psutil.Process(pid).children() if "wandb-core" in child.name()]
    core.kill()


def has_noticed(status: SinkStatus) -> bool:
    return "wandb-core" in " ".join((status.why, *status.notes))
