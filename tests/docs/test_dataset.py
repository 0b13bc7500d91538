"""The commands of docs/export.md about datasets, with the real `wandb` command (P8, ADR 0030)."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tests.docs.test_examples import ROOT
from tests.support.datasets import datasets, exported
from tests.support.online import API, batch, sink
from tests.support.wandb_server import WandbServer
from tests.support.wandb_server.environment import environment

PROGRAMS = {"wandb": [sys.executable, "-m", "wandb"], "spanwand": [sys.executable, "-m", "spanwand_sidecar"]}
SECTION = (ROOT / "docs" / "export.md").read_text().partition("## The dataset at W&B")[2]
DOWNLOAD, UPLOAD = re.findall(r"^```bash\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)


@pytest.fixture
def server() -> Iterator[WandbServer]:
    with WandbServer() as server:
        yield server


def run(commands: str, folder: Path, environ: Mapping[str, str]) -> None:
    for line in commands.splitlines():
        program, *arguments = shlex.split(line)
        subprocess.run([*PROGRAMS[program], *arguments], env=environ, cwd=folder, check=True, timeout=110)


@pytest.mark.slow
def test_the_dataset_of_a_run_is_downloaded_and_exported(server: WandbServer, tmp_path: Path) -> None:
    with sink(server, tmp_path) as process:
        assert process.write(batch(1, rows=2, keys=(API,))).outcome == "Delivered"
        process.close()
    (run_id,) = datasets(server)
    commands = DOWNLOAD.replace("my-team/my-project/generations-1a2b3c4d5e6f", f"team/spanwand/generations-{run_id}")
    assert commands != DOWNLOAD
    run(commands, tmp_path, environment(server.url, tmp_path / "home"))
    assert (tmp_path / "calls.parquet").read_bytes()[:4] == b"PAR1"
    assert (tmp_path / "requests.csv").read_text().startswith("trace_id,")
    assert len(exported(tmp_path / "calls", "requests")) == 2
    assert server.problems() == []


@pytest.mark.slow
def test_an_export_becomes_a_dataset(server: WandbServer, tmp_path: Path) -> None:
    (tmp_path / "generations.parquet").write_bytes(b"what `spanwand export` wrote")
    run(UPLOAD, tmp_path, environment(server.url, tmp_path / "home"))
    assert server.problems() == []
    (dataset,) = [one for one in server.artifacts.committed() if one.collection.type == "dataset"]
    assert (dataset.collection.name, list(server.artifacts.entries(dataset))) == (
        "generations",
        ["generations.parquet"],
    )
