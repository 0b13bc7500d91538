"""The W&B sink with the real SDK, offline: what is written is what is read back (P8)."""

import socket
import sys
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from tests.support.offline import (
    OFFLINE,
    REQUESTS,
    batch,
    core_of,
    exactly_once,
    expected_traces,
    requests,
    traces,
    update,
)
from tests.support.online import ALERT
from tests.support.sink_process import SinkProcess

from spanwand.batch import Batch, RunUpdate
from spanwand.sinks.wandb.records import kind, parse
from spanwand.sinks.wandb.transaction_log import TransactionLog
from spanwand.stored.read import read


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
        assert run.config["spanwand"].items() >= {"window_s": 10.0, "tables_version": 1}.items()
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


def test_an_alert_is_in_the_log_ahead_of_its_points(sink: SinkProcess, directory: Path) -> None:
    """E3: so the proof of the points is its own; `wandb sync` sends it. A batch that comes again says nothing."""
    told = msgspec.structs.replace(update("one", 1, 0), alerts=(ALERT,))
    sent = Batch(seq=1, low=0, start_ns=0, end_ns=1, updates=(told, update("two", 1, 0)))
    assert [sink.write(sent).outcome for _ in range(2)] == ["Delivered"] * 2
    sink.close()
    logs = [[parse(payload) for payload in TransactionLog(path).records()] for path in directory.rglob("*.wandb")]
    kinds = sorted([kind(record) for record in log if kind(record) in {"alert", "history"}] for log in logs)
    assert kinds == [["alert", "history"], ["history"]]
    (alert,) = [record.alert for log in logs for record in log if kind(record) == "alert"]
    assert (alert.title, alert.text, alert.level) == (ALERT.title, ALERT.text, ALERT.level)


def test_the_summary_says_how_often_each_rule_took_something_out(sink: SinkProcess, directory: Path) -> None:
    """P6: the audit, over all windows of a run."""
    for number, found in enumerate(({"email": 2, "comic_id": 1}, {"email": 1}, {}), 1):
        counts = {f"spanwand/redacted/{name}": count for name, count in found.items()}
        sent = msgspec.structs.replace(update("one", number, 0), points={"llm/requests": 1, **counts})
        assert sink.write(Batch(seq=number, low=0, start_ns=0, end_ns=number, updates=(sent,))).outcome == "Delivered"
    sink.close()
    (run,) = read(directory).runs
    assert run.summary["redaction"] == {"email": 3, "comic_id": 1}
    assert run.summary["total/spanwand/redacted/email"] == 3


def test_a_batch_offered_twice_is_in_once(sink: SinkProcess, directory: Path) -> None:
    for number in (1, 2, 2, 1, 3):
        assert sink.write(batch(number)).outcome == "Delivered"
    sink.close()
    assert exactly_once(directory, [1, 2, 3])


def test_a_run_that_nothing_came_for_is_finished_and_followed_by_another(
    environ: dict[str, str], directory: Path
) -> None:
    """P8: idle by batch time, too; other runs go on."""
    config = OFFLINE.model_copy(update={"run_idle_s": 25})
    with SinkProcess(environ, directory, config) as process:
        for number, names in {1: ("one", "two"), 2: ("one",), 3: ("one",), 4: ("one",), 5: ("one", "two")}.items():
            assert process.write(batch(number, names)).outcome == "Delivered"
            if number == 4:
                assert sorted((run.name, run.state) for run in read(directory).runs) == [
                    ("one", "running"),
                    ("two", "finished"),
                ]
        process.close()
    runs = read(directory).runs
    assert Counter(run.name for run in runs) == {"one": 1, "two": 2}
    assert {run.group for run in runs} == {"checkout@prod"}
    assert (requests(runs, "one"), requests(runs, "two")) == ([1, 2, 3, 4, 5], [1, 5])


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


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("rows", "chars"), [(12_000, 0), (60, 400_000), pytest.param(200_000, 0, marks=pytest.mark.faults)]
)
def test_more_than_one_increment_should_hold_is_logged_in_several(
    sink: SinkProcess, directory: Path, rows: int, chars: int
) -> None:
    """R47: 10,000 rows or 8 MiB of text each; all rows are there, once and in order, and the batch behind them too."""
    made = tuple((f"{number:032x}", None, "x" * chars, *[None] * (len(REQUESTS) - 3)) for number in range(rows))
    sent = msgspec.structs.replace(update("one", 2, 0), rows={"requests": made})
    replies = sink.deliver(Batch(seq=2000, low=0, start_ns=20 * 10**9, end_ns=30 * 10**9, updates=(sent,)), 200)
    assert replies[-1].outcome == "Delivered"
    assert sink.deliver(batch(4, ["one"]))[-1].outcome == "Delivered"
    sink.close()
    (run,) = read(directory).runs
    table = run.tables["requests"]
    assert table.increments == max(-(-rows // 10_000), rows * chars // 8_388_608 + 1) + 1
    assert [int(cells[0], 16) for cells in table.rows] == [*range(rows), 40, 41]
    assert run.history[0]["llm/requests"] == 2
    staged = directory.glob("data/artifacts/staging/*")
    assert max(file.stat().st_size for file in staged) < 10 * 1024 * 1024
    assert run.notes == []


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
        for secret in (sys.executable, "sink_process", str(directory)):
            assert secret.encode() not in content
        host = socket.gethostname().encode()  # as a value: one of two letters is in random ids too
        assert bytes([len(host)]) + host not in content
        assert b'"' + host + b'"' not in content
    uploaded = {path.name for path in directory.glob("wandb/*/files/**/*") if path.is_file()}
    assert uploaded == set()
