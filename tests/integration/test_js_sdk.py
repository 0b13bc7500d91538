"""The stock JavaScript SDK against our daemon, over gRPC and over HTTP with protobuf and gzip (P1)."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from spanwand.stored.read import read
from spanwand.stored.run import StoredRun
from spanwand_sidecar.demo.processes import daemon, demo_settings
from spanwand_sidecar.demo.sums import in_metrics, in_table, rows_of

pytestmark = pytest.mark.node

HERE = Path(__file__).parent / "js"
REQUESTS = 300


@pytest.fixture(scope="module")
def project(request: pytest.FixtureRequest) -> Path:
    """A folder with the pinned packages, installed once and kept in pytest's cache."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("needs Node.js and npm on the PATH")
    cache = request.config.cache
    assert cache is not None
    folder = cache.mkdir("js-sdk")
    for name in ("package.json", "send.mjs"):
        shutil.copy(HERE / name, folder / name)
    command = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--prefer-offline"]
    installed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if installed.returncode:
        pytest.skip(f"npm could not install the SDK: {installed.stderr[-300:]}")
    return folder


def send(project: Path, protocol: str, endpoint: str) -> dict[str, Any]:
    command = ["node", "send.mjs", protocol, endpoint, str(REQUESTS)]
    printed = subprocess.run(command, cwd=project, check=True, capture_output=True, text=True, timeout=60).stdout
    sent: dict[str, Any] = json.loads(printed)
    return sent


def total(runs: list[StoredRun], key: str) -> float:
    return sum(point.get(key) or 0 for run in runs for point in run.history)


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf", "http/json"])
def test_every_number_arrives(project: Path, tmp_path: Path, protocol: str) -> None:
    settings = demo_settings(tmp_path) | {"sinks": ["jsonl"]}
    with daemon(tmp_path, settings) as endpoints:
        address = endpoints.grpc[0] if protocol == "grpc" else endpoints.http
        sent = send(project, protocol, f"http://{address}")
    runs = read(tmp_path).runs
    (run,) = (run for run in runs if run.job_type == "storyboard")
    assert run.name == protocol
    for landed in (in_metrics(run), in_table(run)):
        assert landed.requests == sent["calls"]
        assert landed.errors == sent["errors"]
        assert landed.input_tokens == sent["input_tokens"]
        assert landed.output_tokens == sent["output_tokens"]
        assert landed.cached_input_tokens == sent["cached_input_tokens"]
    assert total(runs, "spanwand/spans_received") == sent["spans"]
    assert total([run], "request/count") == sent["requests"]
    assert {row["error_type"] for row in rows_of(run, "generations")} == {None, "RateLimitError"}
