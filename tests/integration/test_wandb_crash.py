"""The W&B sink offline, whatever dies: nothing is lost and nothing counts twice (P2, R1, R44, R48)."""

import contextlib
import os
import signal
import threading
import time
from pathlib import Path

import msgspec
import pytest
from tests.support.offline import OFFLINE, batch, core_of, exactly_once, requests
from tests.support.sink_process import SinkProcess

from spanwand.stored.read import read


def test_a_clean_restart_goes_on_in_new_runs_of_the_same_group(environ: dict[str, str], directory: Path) -> None:
    for numbers in ((1, 2), (1, 2, 3, 4)):
        with SinkProcess(environ, directory, OFFLINE) as process:
            assert {process.write(batch(number)).outcome for number in numbers} == {"Delivered"}
            process.close()
    assert exactly_once(directory, [1, 2, 3, 4])
    assert len(read(directory).runs) == 4
    assert {run.group for run in read(directory).runs} == {"checkout@prod"}


@pytest.mark.parametrize("delivered", [1, 2, 4])
def test_kill_9_in_the_middle_and_replay_counts_nothing_twice(
    environ: dict[str, str], directory: Path, delivered: int
) -> None:
    """P2: a crash between delivery and commit; the next process is offered everything again."""
    with SinkProcess(environ, directory, OFFLINE) as process:
        for number in range(1, delivered + 1):
            assert process.write(batch(number)).outcome == "Delivered"
        process.kill()
    with SinkProcess(environ, directory, OFFLINE) as process:
        for number in range(1, 6):
            assert process.write(batch(number)).outcome == "Delivered"
        process.close()
    assert exactly_once(directory, range(1, 6))
    states = sorted(run.state for run in read(directory).runs)
    assert states == ["crashed", "crashed", "finished", "finished"]


def write_until_killed(process: SinkProcess) -> None:
    with contextlib.suppress(msgspec.DecodeError, BrokenPipeError):
        for number in range(1, 30):
            process.write(batch(number))


def test_kill_9_at_any_moment(environ: dict[str, str], directory: Path) -> None:
    """R1 in small: the process dies while it writes, at moments spread over the write."""
    for pause_s in (0.6, 0.75, 0.9, 1.1):
        with SinkProcess(environ, directory, OFFLINE) as process:
            writer = threading.Thread(target=write_until_killed, args=(process,))
            writer.start()
            time.sleep(pause_s)
            process.kill()
            writer.join()
    with SinkProcess(environ, directory, OFFLINE) as process:
        assert {process.write(batch(number)).outcome for number in range(1, 9)} == {"Delivered"}
        process.close()
    runs = read(directory).runs
    last = max(requests(runs, "one"))
    assert exactly_once(directory, range(1, last + 1))


def test_kill_9_of_wandb_core_is_survived(sink: SinkProcess, directory: Path) -> None:
    """R48: detected at once, nothing lost, nothing twice."""
    assert sink.write(batch(1)).outcome == "Delivered"
    os.kill(core_of(sink.pid), signal.SIGKILL)
    replies = sink.deliver(batch(2))
    assert replies[0].outcome == "Retry"
    assert "wandb-core died" in replies[0].why
    assert replies[-1].outcome == "Delivered"
    assert sum(reply.took_s for reply in replies) < 15
    os.kill(core_of(sink.pid), signal.SIGKILL)
    assert sink.deliver(batch(3))[-1].outcome == "Delivered"
    assert sink.close().took_s < 5
    assert exactly_once(directory, [1, 2, 3])


def test_wandb_core_dead_at_close_does_not_hang(sink: SinkProcess, directory: Path) -> None:
    assert sink.write(batch(1)).outcome == "Delivered"
    os.kill(core_of(sink.pid), signal.SIGKILL)
    assert sink.close(5).took_s < 6
    assert exactly_once(directory, [1])


def test_sigterm_without_close_leaves_a_whole_log(sink: SinkProcess, directory: Path) -> None:
    assert sink.write(batch(1)).outcome == "Delivered"
    os.kill(sink.pid, signal.SIGTERM)
    assert exactly_once(directory, [1])
