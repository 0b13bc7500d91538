"""Unmodified apps under `opentelemetry-instrument` with `OTEL_TRACES_EXPORTER=wandb` (P11): whatever way a process
ends or forks, all its spans land, once, and the app behaves as without.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from tests.support.span_app import INPUT_TOKENS, OUTPUT_TOKENS
from tests.support.wandb_server import WandbServer
from tests.support.wandb_server.environment import environment as wandb_environment

from spanwand.stored.read import read

ROOT = Path(__file__).parents[2]
APP = ROOT / "tests" / "support" / "span_app.py"
INSTRUMENT = shutil.which("opentelemetry-instrument", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
CALLS = 20
SOON = {"SPANWAND_AGGREGATE__WINDOW_S": "1", "OTEL_BSP_SCHEDULE_DELAY": "100"}


class Landed(NamedTuple):
    """What one process left: sums over the run of its service, and the names of that run."""

    names: set[str]
    points: Counter[str]
    rows: int


def environment(data_dir: Path, **settings: str) -> dict[str, str]:
    """Of an app whose operator turned Spanwand on."""
    ours = {key: value for key, value in os.environ.items() if not key.startswith(("OTEL_", "SPANWAND_", "WANDB_"))}
    return ours | {
        "OTEL_TRACES_EXPORTER": "wandb",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_SERVICE_NAME": "comic",
        "SPANWAND_DATA_DIR": str(data_dir),
        "SPANWAND_SINKS": "jsonl",
        "SPANWAND_WANDB__MODE": "offline",
        "SPANWAND_IN_PROCESS__EXIT_TIMEOUT_S": "100",
        "PYTHONPATH": str(ROOT),
        **settings,
    }


def run(way: str, data_dir: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the app until it ends."""
    assert INSTRUMENT
    command = [INSTRUMENT, sys.executable, str(APP), way, str(CALLS)]
    env = environment(data_dir, **settings)
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=110)


def landed(data_dir: Path) -> list[Landed]:
    """What each process left in its `jsonl` sink."""
    return [_landed(path) for path in sorted(data_dir.glob("in-process/*/jsonl/batches.jsonl"))]


def _landed(path: Path) -> Landed:
    updates = [json.loads(line) for line in path.read_text().splitlines()]
    own = [update for update in updates if update["run"]["job_type"] == "comic"]
    points: Counter[str] = Counter()
    for update in own:
        points.update(update["points"])
    return Landed(
        {update["run"]["name"] for update in own}, points, sum(len(u["rows"].get("generations", ())) for u in own)
    )


def check(process: Landed, calls: int) -> None:
    """Every call counted, and counted once."""
    assert process.points["llm/requests"] == process.points["request/count"] == process.rows == calls
    assert process.points["llm/input_tokens"] == calls * INPUT_TOKENS
    assert process.points["llm/output_tokens"] == calls * OUTPUT_TOKENS


@pytest.mark.parametrize(
    ("way", "code"), [("end", 0), ("sys_exit", 3), ("unhandled", 1), ("sigterm", 0), ("other_thread", 0)]
)
def test_the_last_spans_land_however_the_app_ends(way: str, code: int, tmp_path: Path) -> None:
    """P11: the SDK still holds all of them when the main thread ends."""
    app = run(way, tmp_path)
    assert app.returncode == code
    assert app.stdout == ""
    assert app.stderr == "" or way == "unhandled"
    (process,) = landed(tmp_path)
    check(process, CALLS)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["end", "child", "forks"])
def test_w_and_b_has_them_too(way: str, tmp_path: Path) -> None:
    """P11, P8: the real SDK, offline, first imported when the app is over or in several processes at once."""
    app = run(way, tmp_path, SPANWAND_SINKS="wandb")
    assert (app.returncode, app.stderr) == (0, "")
    runs = [stored for stored in read(tmp_path).runs if stored.job_type == "comic"]
    requests = sum(row.get("llm/requests", 0) for stored in runs for row in stored.history)
    assert requests == CALLS * {"end": 1, "child": 2, "forks": 5}[way]
    assert len(runs) == {"end": 1, "child": 2, "forks": 4}[way]


@pytest.mark.slow
def test_w_and_b_online_has_them_when_the_app_ends(tmp_path: Path) -> None:
    """P11, P8: metrics and rows are uploaded and the runs finished before the process is gone."""
    with WandbServer() as server:
        settings = wandb_environment(server.url, tmp_path / "home") | {"SPANWAND_WANDB__MODE": "online"}
        app = run("end", tmp_path / "data", SPANWAND_SINKS="wandb", **settings)
        assert app.returncode == 0
        (own,) = [stored for stored in server.runs if stored.job_type == "comic"]
        assert own.state == "finished"
        assert sum(row.get("llm/requests", 0) for row in server.history(own)) == CALLS
        assert len(server.tables(own)["generations"].rows) == CALLS


def test_a_multiprocessing_child_has_a_run_of_its_own(tmp_path: Path) -> None:
    """P11: it runs no exit hooks, and its parent's spans are not counted again in it."""
    assert run("child", tmp_path).returncode == 0
    processes = landed(tmp_path)
    for process in processes:
        check(process, CALLS)
    assert len(set.union(*(process.names for process in processes))) == len(processes) == 2


def test_forked_workers_have_runs_of_their_own(tmp_path: Path) -> None:
    """P11: whatever the parent had in flight at the fork stays the parent's."""
    assert run("forks", tmp_path).returncode == 0
    processes = landed(tmp_path)
    assert sorted(process.rows for process in processes) == [CALLS, CALLS, CALLS, 2 * CALLS]
    for process in processes:
        check(process, process.rows)
    assert len(set.union(*(process.names for process in processes))) == 4


def test_a_process_without_spans_leaves_nothing(tmp_path: Path) -> None:
    assert run("nothing", tmp_path).returncode == 0
    assert [path.name for path in tmp_path.rglob("*")] == ["pseudonym.key"]


def test_the_files_are_private(tmp_path: Path) -> None:
    """K5: nobody else on the machine can read them."""
    run("end", tmp_path)
    (directory,) = tmp_path.glob("in-process/*/jsonl")
    assert directory.stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "pseudonym.key").stat().st_mode & 0o777 == 0o600


def test_a_wrong_configuration_is_one_line_and_no_harm(tmp_path: Path) -> None:
    """P11, B3: the app runs on without."""
    app = run("end", tmp_path, SPANWAND_WANDB__MOOD="offline")
    assert app.returncode == 0
    (line,) = app.stderr.splitlines()
    assert "SPANWAND_WANDB__MOOD; did you mean SPANWAND_WANDB__MODE?" in line
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_w_and_b_down_does_not_hold_up_the_exit(tmp_path: Path) -> None:
    """P11, A6: the budget holds though wandb itself would wait for 20 s, and no wandb-core is left behind."""
    settings = {"SPANWAND_WANDB__MODE": "online", "WANDB_BASE_URL": "http://127.0.0.1:9", "WANDB_API_KEY": "0" * 40}
    started_s = time.monotonic()
    app = run("end", tmp_path, SPANWAND_SINKS="wandb", SPANWAND_IN_PROCESS__EXIT_TIMEOUT_S="2", **settings)
    assert time.monotonic() - started_s < 15  # a hang would be 20 s and more
    assert app.returncode == 0
    assert "not everything could be delivered" in app.stderr


@pytest.mark.slow
def test_an_app_that_uses_wandb_itself_is_left_alone(tmp_path: Path) -> None:
    """P11, P6: its run, its streams, its environment; and weave is not started behind its back."""
    (tmp_path / "app").mkdir()
    settings = SOON | {"SPANWAND_SINKS": "wandb", "WANDB_SILENT": "true", "APP_DIR": str(tmp_path / "app")}
    app = run("own_wandb", tmp_path / "data", **settings)
    assert (app.returncode, app.stdout, app.stderr) == (0, "same: True\nrun: True\n", "")
    (own,) = read(tmp_path / "app").runs
    assert [row["loss"] for row in own.history] == [1.0]
    requests = [row.get("llm/requests", 0) for stored in read(tmp_path / "data").runs for row in stored.history]
    assert sum(requests) == CALLS


@pytest.mark.slow
def test_the_process_of_the_app_is_left_as_it_was(tmp_path: Path) -> None:
    """P11: its environment too, or its child processes would use our wandb-core, and lose it with us."""
    app = run("untouched", tmp_path, SPANWAND_SINKS="wandb", **SOON)
    assert (app.returncode, app.stdout, app.stderr) == (0, "same: True\n", "")


def test_grpc_is_not_imported_even_when_spans_were_exported(tmp_path: Path) -> None:
    """P11."""
    app = run("modules", tmp_path)
    assert app.stdout.split() == []
    (process,) = landed(tmp_path)
    check(process, CALLS)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Gunicorn with three workers that it forks after it was instrumented, and its address."""
    gunicorn = shutil.which("gunicorn", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if not gunicorn or not INSTRUMENT:
        pytest.skip("gunicorn is not installed")
    command = [INSTRUMENT, gunicorn, "--workers=3", "--bind=127.0.0.1:0", "tests.support.wsgi_app:app"]
    with subprocess.Popen(command, env=environment(tmp_path), stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stderr
            address = next(line.split()[-2] for line in process.stderr if "Listening at" in line)
            yield process, address
        finally:
            process.kill()


def test_gunicorn_workers_count_every_request_once(server: tuple[subprocess.Popen[str], str], tmp_path: Path) -> None:
    """P11: preforked, stopped by SIGTERM; each worker that served has a run, and the sums are exact."""
    process, address = server
    served: Counter[str] = Counter()
    while len(served) < 3 or served.total() < 60:
        served[httpx.get(address, timeout=10).text] += 1
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0
    processes = {next(iter(worker.names)).rpartition("-")[2]: worker for worker in landed(tmp_path)}
    assert {pid: worker.points["llm/requests"] for pid, worker in processes.items()} == served
    for pid, worker in processes.items():
        check(worker, served[pid])
