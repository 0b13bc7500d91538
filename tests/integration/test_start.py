"""What a daemon does before it says that it is ready, on which senders wait."""

import subprocess
import sys
from pathlib import Path

from tests.support.daemon import environment

NOT_YET = {
    "PIL": "a picture",
    "genai_prices": "a price",
    "opentelemetry": "OTLP/JSON",
    "presidio_analyzer": "a name",
    "prometheus_client": "/metrics",
    "pynvml": "a GPU",
    "spanwand.gpu.scripted": "a GPU that is made up",
    "spanwand.sinks.wandb.sink": "the sink's own thread",
    "wandb": "a batch",
    "yaml": "a file of settings or prices",
}
"""Modules that a start does without, and what first needs them."""


def imported_before_ready(data_dir: Path) -> set[str]:
    """Python names each module on standard error once it is imported; the daemon's log says there that it is ready."""
    command = [sys.executable, "-X", "importtime", "-m", "spanwand_sidecar", "up"]
    environ = environment(data_dir, SINKS="wandb")
    found = set()
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        for line in process.stderr:
            if "ready after" in line:
                break
            found.add(line.rpartition("|")[2].strip())
        process.kill()
        process.stderr.read()
    return found


def test_a_start_imports_nothing_that_can_wait(tmp_path: Path) -> None:
    """Design §8, ready < 3 s: a start is imports above all, and each is five times as slow beside others."""
    imported = imported_before_ready(tmp_path / "data")
    assert {"spanwand.pipeline", "spanwand_sidecar.daemon", "uvicorn", "grpc"} <= imported
    assert {name: NOT_YET[name] for name in NOT_YET.keys() & imported} == {}
