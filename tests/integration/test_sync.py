"""R46: what was made offline is uploaded later by `spanwand sync`, verified, and a second time changes nothing."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.online import assert_exactly_once, batch
from tests.support.sink_process import SinkProcess
from tests.support.wandb_server import Fault, WandbServer
from tests.support.wandb_server.environment import environment

from spanwand.config import WandbConfig

WRITTEN = {1: 2, 2: 0, 3: 1}


@pytest.fixture
def server() -> Iterator[WandbServer]:
    with WandbServer() as server:
        yield server


def write_offline(server: WandbServer, data_dir: Path) -> None:
    directory = data_dir / "wandb"
    directory.mkdir(parents=True)
    environ = environment(server.url, data_dir / "home")
    with SinkProcess(environ, directory, WandbConfig(mode="offline")) as process:
        for number, rows in WRITTEN.items():
            assert process.write(batch(number, rows=rows)).outcome == "Delivered"
        process.close()


def sync(server: WandbServer, data_dir: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "spanwand_sidecar", "sync", str(data_dir)]
    environ = environment(server.url, data_dir / "home")
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=110)


@pytest.mark.slow
def test_offline_then_sync_then_sync_again(server: WandbServer, tmp_path: Path) -> None:
    """Also if the whole data directory was moved, and if nobody remembers that it was done."""
    write_offline(server, tmp_path / "there")
    shutil.move(tmp_path / "there", tmp_path / "here")
    first = sync(server, tmp_path / "here")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "2 runs are complete" in first.stdout
    assert_exactly_once(server, WRITTEN)
    assert {run.state for run in server.runs} == {"finished"}
    changes = len([one for one in server.requests if one.method != "GET" and one.operation != "Viewer"])
    assert "0 runs are complete at W&B now, 0 are not" in sync(server, tmp_path / "here").stdout
    assert len([one for one in server.requests if one.method != "GET" and one.operation != "Viewer"]) == changes
    for path in (tmp_path / "here" / "wandb" / "runs").glob("*.json"):
        path.write_text(path.read_text().replace("verified", "unfinished"))
    uploads = [str(one) for one in server.requests if "file_stream" in one.path or one.method == "PUT"]
    assert "2 runs are complete" in sync(server, tmp_path / "here").stdout
    assert [str(one) for one in server.requests if "file_stream" in one.path or one.method == "PUT"] == uploads
    assert_exactly_once(server, WRITTEN)


@pytest.mark.faults
def test_what_wandb_refused_is_told_and_sent_the_next_time(server: WandbServer, tmp_path: Path) -> None:
    """`wandb sync` exits with 0 although an artifact was refused; reading back finds it missing."""
    write_offline(server, tmp_path)
    server.faults.add(Fault("POST /graphql CommitArtifact", "graphql_error", times=1))
    first = sync(server, tmp_path)
    assert first.returncode == 1
    assert re.search("W&B lacks (1 Table files|its dataset)\n", first.stdout)  # whichever it commits first
    second = sync(server, tmp_path)
    assert second.returncode == 0, second.stdout + second.stderr
    assert_exactly_once(server, WRITTEN)


def test_without_a_key_or_runs_it_says_so(server: WandbServer, tmp_path: Path) -> None:
    assert "holds no W&B runs" in sync(server, tmp_path).stderr
