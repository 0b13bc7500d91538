"""The W&B sink inside somebody else's process (P11), and what of a run shows only when it lives long (P8)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support import wandb_in_app

from spanwand.stored.read import read
from spanwand.stored.run import StoredRun

ROOT = Path(__file__).parents[2]


def run_app(name: str, directory: Path) -> dict[str, StoredRun]:
    """Run a program of `wandb_in_app`, which has to end by itself and print nothing. Returns its runs by folder."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith("WANDB_")}
    environ |= {"HOME": str(directory), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", wandb_in_app.__name__, name, str(directory)]
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    return {run.source.split("/")[0]: run for run in read(directory).runs}


def test_an_apps_own_run_environment_and_signal_handlers_are_left_alone(tmp_path: Path) -> None:
    runs = run_app("beside_a_run_of_the_app", tmp_path)
    assert [step["loss"] for step in runs["wandb"].history] == [1.0, 0.5, 0.25]
    assert runs["wandb"].state == "finished"
    assert [step["llm/requests"] for step in runs["ours"].history] == [1]
    assert len(runs["ours"].tables["requests"].rows) == 1


def test_forked_children_neither_hang_nor_disturb_the_parent(tmp_path: Path) -> None:
    """P11: gunicorn's prefork."""
    runs = run_app("prefork", tmp_path)
    assert {name: len(run.history) for name, run in runs.items()} == {"parent": 2, "busy": 1}
    assert {name: len(run.tables["requests"].rows) for name, run in runs.items()} == {"parent": 2, "busy": 1}
    assert {run.state for run in runs.values()} == {"finished"}


def test_an_app_that_just_ends_does_not_hang(tmp_path: Path) -> None:
    (run,) = run_app("exit_without_close", tmp_path).values()
    assert [step["llm/requests"] for step in run.history] == [1]


def test_a_table_gets_a_new_key_after_100_increments(tmp_path: Path) -> None:
    """P8: W&B shows 100 of them, and every history row lists all earlier ones of its key."""
    (run,) = run_app("rollover", tmp_path).values()
    table = run.tables["requests"]
    assert [int(row[0], 16) for row in table.rows] == list(range(1, 251))
    assert table.increments == 250
    assert list(run.tables) == ["requests"]
    (log,) = tmp_path.rglob("run-*.wandb")
    content = log.read_bytes()
    assert b"incr-requests_3" in content
    assert b"incr-requests_4" not in content
    assert log.stat().st_size < 8_000_000


@pytest.mark.parametrize("as_json", [False, True])
def test_the_read_command(tmp_path: Path, as_json: bool) -> None:
    run_app("exit_without_close", tmp_path)
    command = [sys.executable, "-m", "spanwand_sidecar", "read", str(tmp_path), *(["--json"] if as_json else [])]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if as_json:
        document = json.loads(printed)
        assert document["version"] == 1
        assert document["runs"][0]["history"][0]["llm/requests"] == 1
    else:
        assert "group / ours" in printed
        assert "1 rows in requests" in printed


@pytest.mark.parametrize("kind", ["missing", "empty", "foreign"])
def test_the_read_command_says_what_it_cannot_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "here"
    if kind == "empty":
        path.mkdir()
    elif kind == "foreign":
        path.write_text("hello")
    command = [sys.executable, "-m", "spanwand_sidecar", "read", str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1
    assert str(path) in ended.stderr
