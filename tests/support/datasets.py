"""A run's dataset as a user gets it: downloaded from the server with the real `wandb` command, exported with ours."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from spanwand.sinks.wandb.dataset import TYPE, artifact_name
from spanwand_sidecar.commands.export import export
from tests.support.wandb_server import WandbServer
from tests.support.wandb_server.artifacts import Artifact
from tests.support.wandb_server.environment import environment

Rows = list[dict[str, Any]]


def datasets(server: WandbServer) -> dict[str, list[Artifact]]:
    """The committed versions of each run's dataset, by run id."""
    runs = [run.name for run in server.runs]
    found = [one for one in server.artifacts.committed() if one.collection.type == TYPE]
    assert {one.collection.name for one in found} <= {artifact_name(run) for run in runs}
    return {run: [one for one in found if one.collection.name == artifact_name(run)] for run in runs}


def download(server: WandbServer, run_id: str, root: Path) -> Path:
    """What docs/export.md says: the newest version, by the real command."""
    artifact = f"team/spanwand/{artifact_name(run_id)}:latest"
    command = [sys.executable, "-m", "wandb", "artifact", "get", artifact, "--root", str(root)]
    environ = environment(server.url, root.parent / "home")
    subprocess.run(command, env=environ, cwd=root.parent, check=True, timeout=110, capture_output=True)
    return root


def exported(path: Path, table: str) -> Rows:
    """All rows of a table, of which none are missing."""
    result = CliRunner().invoke(export, [str(path), "--table", table, "--format", "jsonl", "--output", "-"])
    assert result.exit_code == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]
