"""The W&B sink with the real SDK, offline: what was written is what is read back, whatever dies in between (P2, P8)."""

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import pytest
from tests.support.sink_process import SinkProcess

from spanwand.batch import Batch, RunKey, RunUpdate
from spanwand.config import WandbConfig
from spanwand.read import read
from spanwand.stored_run import StoredRun
from spanwand.tables import columns

OFFLINE = WandbConfig(mode="offline", project="shop")
WINDOW_NS = 10**10
REQUESTS = columns("requests")


def row(trace: int) -> tuple[object, ...]:
    cells = {"trace_id": f"{trace:032x}", "latency_s": trace / 8, "generations": trace, "name": "say \u00e9 \n\x00"}
    return tuple(cells.get(column.name) for column in REQUESTS)


def update(name: str, number: int, rows: int) -> RunUpdate:
    return RunUpdate(
        run=RunKey(group="checkout@prod", job_type="checkout", name=name),
        config={"service": "checkout", "replicas": 3},
        tags=("prod", "spanwand"),
        points={"llm/requests": number, "llm/cost_usd": number / 4, "llm/latency_s/p50": 0.5},
        rows={"requests": tuple(row(number * 10 + index) for index in range(rows))},
    )


def batch(number: int, names: Iterable[str] = ("one", "two")) -> Batch:
    """Batch `number`: for every run `number` requests, and rows if it is even."""
    updates = tuple(update(name, number, 2 * (number % 2 == 0)) for name in names)
    start = number * WINDOW_NS
    return Batch(seq=number * 1000, low=0, start_ns=start, end_ns=start + WINDOW_NS, updates=updates)


def requests(runs: Iterable[StoredRun], name: str) -> list[int]:
    """`llm/requests` of all runs of that name, as they were logged."""
    return sorted(step["llm/requests"] for run in runs if run.name == name for step in run.history)


def traces(runs: Iterable[StoredRun], name: str) -> list[int]:
    """Trace numbers of the rows of all runs of that name."""
    found = (run.tables["requests"].rows for run in runs if run.name == name and run.tables)
    return sorted(int(cells[0], 16) for rows in found for cells in rows)


def expected_traces(numbers: Iterable[int]) -> list[int]:
    return [number * 10 + index for number in numbers if number % 2 == 0 for index in range(2)]


def exactly_once(directory: Path, numbers: Iterable[int], names: Iterable[str] = ("one", "two")) -> bool:
    """Whether every batch is in every run key once, points and rows."""
    numbers, runs = list(numbers), read(directory).runs
    return all(requests(runs, name) == numbers and traces(runs, name) == expected_traces(numbers) for name in names)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")}
    return {**kept, "HOME": str(tmp_path)}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    path = tmp_path / "data"
    path.mkdir()
    return path


@pytest.fixture
def sink(environ: dict[str, str], directory: Path) -> Iterator[SinkProcess]:
    with SinkProcess(environ, directory, OFFLINE) as process:
        yield process


def core_of(pid: int) -> int:
    """The process id of a process's wandb-core."""
    children = (int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    return next(child for child in children if "wandb-core" in Path(f"/proc/{child}/comm").read_text())


def test_what_is_written_is_read_back(sink: SinkProcess, directory: Path) -> None:
    batches = [batch(number) for number in range(1, 6)]
    assert [sink.write(one).outcome for one in batches] == ["Delivered"] * 5
    core = core_of(sink.pid)
    sink.close()
    assert not Path(f"/proc/{core}").exists()
    runs = read(directory).runs
    assert sorted(run.name for run in runs) == ["one", "two"]
    for run in runs:
        assert (run.project, run.group, run.job_type, run.state) == ("shop", "checkout@prod", "checkout", "finished")
        assert (run.tags, run.notes) == (["prod", "spanwand"], [])
        assert run.config.items() >= {"service": "checkout", "replicas": 3}.items()
        assert run.config["spanwand"]["window_s"] == 10.0
        updates = [next(each for each in one.updates if each.run.name == run.name) for one in batches]
        for step, one, sent in zip(run.history, batches, updates, strict=True):
            assert step.items() >= sent.points.items()
            end_s = one.end_ns / 1e9
            assert (step["spanwand/batch"], step["spanwand/window_end"], step["_timestamp"]) == (one.seq, end_s, end_s)
        table = run.tables["requests"]
        assert table.columns == [column.name for column in REQUESTS]
        assert table.rows == [list(cells) for sent in updates for cells in sent.rows["requests"]]
        assert (run.summary["total/llm/requests"], run.summary["total/llm/cost_usd"]) == (15, 15 / 4)
        assert not [key for key in run.summary if key.startswith("total/") and "latency" in key]
    assert (directory.parent / "data.stderr").read_text() == ""


def test_a_batch_offered_twice_is_in_once(sink: SinkProcess, directory: Path) -> None:
    for number in (1, 2, 2, 1, 3):
        assert sink.write(batch(number)).outcome == "Delivered"
    sink.close()
    assert exactly_once(directory, [1, 2, 3])


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


def test_runs_are_rotated_by_the_age_of_their_batches(environ: dict[str, str], directory: Path) -> None:
    """P8: age is batch time, so a replay rotates as the first pass did."""
    config = OFFLINE.model_copy(update={"run_max_age_s": 20})
    with SinkProcess(environ, directory, config) as process:
        for number in range(1, 7):
            assert process.write(batch(number, ["one"])).outcome == "Delivered"
        process.close()
    runs = read(directory).runs
    assert [run.state for run in runs] == ["finished"] * len(runs)
    assert sorted(requests([run], "one") for run in runs) == [[1, 2], [3, 4], [5, 6]]
    assert exactly_once(directory, range(1, 7), ["one"])


def test_a_row_that_does_not_fit_loses_neither_row_nor_batch(sink: SinkProcess, directory: Path) -> None:
    wrong = (17, *(["many"] * (len(REQUESTS) - 1)))
    sent = update("one", 2, 1)
    rows = {"requests": (*sent.rows["requests"], wrong, wrong[:2])}
    odd = RunUpdate(run=sent.run, config=sent.config, tags=sent.tags, points=sent.points, rows=rows)
    assert sink.write(Batch(seq=1, low=0, start_ns=0, end_ns=1, updates=(odd,))).outcome == "Delivered"
    sink.close()
    (run,) = read(directory).runs
    assert run.history[0]["llm/requests"] == 2
    table = run.tables["requests"]
    assert len(table.rows) == 3
    assert table.rows[1][0] == "17"
    assert table.rows[1][table.columns.index("latency_s")] is None


def test_a_second_sink_in_the_same_directory_waits(sink: SinkProcess, environ: dict[str, str], directory: Path) -> None:
    assert sink.write(batch(1)).outcome == "Delivered"
    assert {run.state for run in read(directory).runs} == {"running"}
    with SinkProcess(environ, directory, OFFLINE) as other:
        reply = other.write(batch(2))
        assert (reply.outcome, "another process" in reply.why) == ("Retry", True)


def test_a_data_directory_may_be_moved(sink: SinkProcess, directory: Path) -> None:
    assert sink.write(batch(2)).outcome == "Delivered"
    sink.close()
    before = read(directory)
    moved = directory.rename(directory.parent / "elsewhere")
    assert read(moved) == before
    (run_folder,) = {run.source.rsplit("/", 1)[0] for run in before.runs if run.name == "one"}
    alone = (moved / run_folder).rename(moved.parent / "alone")
    (run,) = read(alone).runs
    assert traces([run], "one") == expected_traces([2])


def test_nothing_of_this_machine_is_in_a_run(sink: SinkProcess, directory: Path) -> None:
    """P8: no host name, executable or program; the staging path of Tables is in the artifact record, and there only."""
    assert sink.write(batch(1)).outcome == "Delivered"
    sink.close()
    for log in directory.rglob("run-*.wandb"):
        content = log.read_bytes()
        for secret in (socket.gethostname(), sys.executable, "sink_process", str(directory)):
            assert secret.encode() not in content
    uploaded = {path.name for path in directory.glob("wandb/*/files/**/*") if path.is_file()}
    assert uploaded == set()


def test_sigterm_without_close_leaves_a_whole_log(sink: SinkProcess, directory: Path) -> None:
    assert sink.write(batch(1)).outcome == "Delivered"
    os.kill(sink.pid, signal.SIGTERM)
    assert exactly_once(directory, [1])
