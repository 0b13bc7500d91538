"""A W&B sink without W&B, in a process and a folder of its own."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.offline import OFFLINE
from tests.support.sink_process import SinkProcess


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
