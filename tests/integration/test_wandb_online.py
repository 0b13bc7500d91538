"""Our W&B sink online, undisturbed: one session with the real SDK, seen from several sides (P7, P8, P11, K2)."""

import gzip
import json
import platform
import re
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.online import (
    ALERT,
    API,
    ARM,
    HEALTH,
    assert_exactly_once,
    batch,
    expected_points,
    point_rows,
    sink,
    with_alerts,
)
from tests.support.wandb_server import API_KEY, WandbServer

from spanwand.tables import TABLES


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("undisturbed")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[WandbServer]:
    with WandbServer() as server:
        with sink(server, folder) as process:
            for number, rows in {1: 2, 2: 0, 3: 3}.items():
                keys = (API, ARM, HEALTH) if number == 2 else (API, ARM)
                sent = batch(number, rows=rows, keys=keys)
                assert process.write(with_alerts(sent, ARM) if number == 2 else sent).outcome == "Delivered"
            process.close()
        yield server


def test_history_and_tables_equal_what_was_written(server: WandbServer) -> None:
    """P7: exactly, and nothing else."""
    assert_exactly_once(server, {1: 2, 2: 0, 3: 3})
    assert point_rows(server, HEALTH) == expected_points(2)
    for table, columns in TABLES.items():
        assert server.tables(API.name)[table].columns == [column.name for column in columns]


def test_runs_are_named_grouped_and_finished(server: WandbServer) -> None:
    """P8: group, job type, name, tags and config as the line says."""
    assert len(server.runs) == 3
    for key in (API, ARM, HEALTH):
        run = server.run(key.name)
        assert (run.entity, run.project, run.state) == ("team", "spanwand", "finished")
        assert (run.group, run.job_type) == (key.group, key.job_type)
        assert run.tags == ["prod", key.name, "spanwand"]
        config = server.config(run)
        assert config.pop("spanwand")["window_s"] == 10
        assert config == {"service": key.name, "environment": "prod", "replica": 3}


def test_the_summary_holds_totals_and_the_last_window(server: WandbServer) -> None:
    """P8: totals of what adds up; the last value of all."""
    summary = server.summary(API.name)
    assert {name: value for name, value in summary.items() if name.startswith("total/")} == {
        "total/llm/requests": 6,
        "total/llm/cost_usd": 0.75,
    }
    assert summary.items() >= expected_points(3)[0].items()


def test_an_alert_is_one_of_its_run(server: WandbServer) -> None:
    """P8: `run.alert`, once."""
    (said,) = server.run(ARM.name).alerts
    assert (said["title"], said["text"], said["severity"]) == (ALERT.title, ALERT.text, ALERT.level)
    assert [run.alerts for run in server.runs if run.display_name != ARM.name] == [[], []]


def test_the_x_axis_is_the_end_of_the_window(server: WandbServer) -> None:
    """P8: W&B's numbered form of `define_metric("*", step_metric="spanwand/window_end")`."""
    metrics = server.run(API.name).raw_config["_wandb"]["value"]["m"]
    (glob,) = [metric for metric in metrics if metric.get("2") == "*"]
    assert metrics[glob["5"] - 1]["1"] == "spanwand/window_end"


def test_only_these_requests_are_made(server: WandbServer) -> None:
    """P11: no metadata, no requirements, no console, no system metrics; a new kind of request is a change."""
    kinds = {exchange.operation or f"{exchange.method} {exchange.path.split('/')[1]}" for exchange in server.requests}
    assert kinds == {
        "UpsertBucket",
        "POST files",
        "PUT storage",
        "Viewer",
        "ArtifactType",
        "ServerFeaturesQuery",
        "CreateArtifact",
        "CreateArtifactManifest",
        "CreateArtifactFiles",
        "UpdateArtifactManifest",
        "CommitArtifact",
        "CreateRunFiles",
        "NotifyScriptableRunAlert",
    }
    assert [run.streams.keys() for run in server.runs] == [{"wandb-history.jsonl"}] * 3


def test_nothing_of_the_host_is_uploaded(server: WandbServer, folder: Path) -> None:
    """P11: paths go out in artifact manifests only (`local_path`), where the SDK leaves no choice."""
    host = [socket.gethostname(), platform.release(), sys.executable, Path.home(), folder, Path.cwd()]
    facts = re.compile("|".join(rf"\b{re.escape(str(fact).strip('/'))}\b" for fact in host))
    for exchange in server.requests:
        is_manifest = exchange.path.endswith("/manifest.json")
        sent_bytes = gzip.decompress(exchange.body) if exchange.path.endswith(".gz") else exchange.body
        body = without_local_paths(sent_bytes) if is_manifest else sent_bytes.decode()
        sent = f"{exchange.headers} {body}"
        assert (facts.findall(sent), API_KEY in sent) == ([], False), str(exchange)


def test_the_run_says_about_the_host_only_this(server: WandbServer) -> None:
    """P11: what the SDK adds by itself: versions, platform, telemetry flags."""
    for run in server.runs:
        for variables in run.upserts:
            assert {variables[name] for name in ("host", "program", "commit", "repo", "notes")} == {None}
        added = run.raw_config["_wandb"]["value"]
        assert added.keys() <= {"cli_version", "python_version", "t", "m"}
        assert set(server.run_files(run)) >= {"config.yaml", "wandb-summary.json"}
        others = server.run_files(run).keys() - {"config.yaml", "wandb-summary.json"}
        assert [name for name in others if not name.startswith("media/table/")] == []


def test_the_key_rests_nowhere(server: WandbServer, folder: Path) -> None:
    """P11: not in W&B's own logs either."""
    files = [path for path in folder.rglob("*") if path.is_file() and "home" not in path.parts]
    assert [path for path in files if API_KEY.encode() in path.read_bytes()] == []


def without_local_paths(manifest: bytes) -> str:
    """A manifest less the one field that holds a path of this machine."""
    document: dict[str, Any] = json.loads(manifest)
    for entry in document["contents"].values():
        entry.pop("local_path", None)
    return json.dumps(document)
