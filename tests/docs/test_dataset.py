"""The commands of docs/export.md that make a dataset of an export, with the real `wandb` command (P8, ADR 0019)."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from tests.docs.test_examples import ROOT
from tests.support.wandb_server import WandbServer
from tests.support.wandb_server.environment import environment


@pytest.mark.slow
def test_an_export_becomes_a_dataset(tmp_path: Path) -> None:
    found = re.search(r"^wandb (artifact put .*)$", (ROOT / "docs" / "export.md").read_text(), re.MULTILINE)
    assert found
    *options, file = shlex.split(found[1])
    (tmp_path / file).write_bytes(b"what `spanwand export` wrote")
    with WandbServer() as server:
        command = [sys.executable, "-m", "wandb", *options, file]
        environ = environment(server.url, tmp_path / "home")
        subprocess.run(command, env=environ, cwd=tmp_path, check=True, timeout=60, capture_output=True)
        assert server.problems() == []
        (dataset,) = [one for one in server.artifacts.committed() if one.collection.type == "dataset"]
        assert (dataset.collection.name, list(server.artifacts.entries(dataset))) == ("generations", [file])
