"""P9: an app reads GPUs that its sidecar cannot see, by the real `pynvml`; the stock exporter sends the readings."""

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest
from tests.support.daemon import WINDOW, RunningDaemon, daemon, sums, updates
from tests.support.daemon import until as until_within
from tests.support.nvml import WORKING, StandIn, answers

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("app_gpus.py")
LATER = WORKING | {"energy_mj": 5_250_000}
until = partial(until_within, timeout_s=60)
"""Two processes have to start first."""


@pytest.fixture
def gpus(tmp_path: Path) -> StandIn:
    stand_in = StandIn(tmp_path / "driver")
    stand_in.says("devices 1", *answers(0, **WORKING))
    return stand_in


@contextmanager
def app(running: RunningDaemon, gpus: StandIn, **environ: str) -> Iterator["subprocess.Popen[str]"]:
    """An app beside the daemon; at the end it has to go at once, whatever its driver does."""
    to_daemon = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{running.endpoints.grpc[0]}"}
    ours = {"SPANWAND_APP_GPUS": "true", "SPANWAND_GPU__INTERVAL_S": "0.1"}
    command, environment = [sys.executable, str(PROGRAM)], {**gpus.full_environ, **to_daemon, **ours, **environ}
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def total(data: Path, key: str) -> float:
    return sum(points[key] for points in sums(updates(data)).values())


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_a_sidecar_without_the_device_has_its_history(gpus: StandIn, tmp_path: Path, protocol: str) -> None:
    data = tmp_path / "data"
    with daemon(data, **WINDOW) as running:
        until(lambda: running.status().gpus.state == "none")
        http = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{running.endpoints.http}"} if protocol != "grpc" else {}
        with app(running, gpus, OTEL_EXPORTER_OTLP_PROTOCOL=protocol, **http) as process:
            until(lambda: any("gpu/0/power_w" in line["points"] for line in updates(data)))
            gpus.says("devices 1", *answers(0, **LATER))
            until(lambda: total(data, "gpu/0/energy_j") == 250)
            process.communicate(timeout=30)
            assert process.returncode == 0
        running.stop()
    assert total(data, "gpu/0/energy_j") == 250
    (line, *_) = (line for line in updates(data) if "gpu/0/power_w" in line["points"])
    assert line["run"]["name"] == "painter"
    points = line["points"]
    assert (points["gpu/0/power_w"], points["gpu/0/utilization"], points["gpu/0/throttled"]) == (312.5, 0.63, 1)
    assert points["gpu/0/memory_used_bytes"] == 7 << 30


def test_a_device_that_both_see_is_counted_once(gpus: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    for name, value in gpus.environ.items():
        monkeypatch.setenv(name, value)
    with daemon(data, GPU__INTERVAL_S="0.1", **WINDOW) as running, app(running, gpus):
        until(lambda: any("gpu/0/power_w" in line["points"] for line in updates(data)))
        until(lambda: total(data, "spanwand/dropped/duplicate") > 0)
        gpus.says("devices 1", *answers(0, **LATER))
        until(lambda: total(data, "gpu/0/energy_j") >= 250)
        running.stop()
    assert total(data, "gpu/0/energy_j") == 250


def test_a_driver_that_hangs_does_not_hold_up_the_app(gpus: StandIn, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with daemon(data, **WINDOW) as running, app(running, gpus) as process:
        until(lambda: any("gpu/0/power_w" in line["points"] for line in updates(data)))
        gpus.says("devices 1", "hang nvmlDeviceGetPowerUsage")
        until(lambda: "gpu/0/power_w" not in updates(data)[-1]["points"])
        process.communicate(timeout=30)
        assert process.returncode == 0


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"SPANWAND_APP_GPUS": "false"}, ""),
        ({"SPANWAND_GPU__READER": "off"}, ""),
        ({"SPANWAND_GPU__INTERVAL_S": "often"}, "SPANWAND_GPU__INTERVAL_S"),
    ],
)
def test_nothing_is_read_unless_it_is_asked_for(tmp_path: Path, environ: dict[str, str], said: str) -> None:
    """Threads are counted in the app itself; a wrong setting is said in its log and stops nothing."""
    program = (
        "import threading; from spanwand.instrumentation.gpu import GpuInstrumentor as Gpus; Gpus().instrument();"
        "print(threading.active_count())"
    )
    stand_in = StandIn(tmp_path / "driver")
    full = {**stand_in.full_environ, "SPANWAND_APP_GPUS": "true", **environ}
    ended = subprocess.run([sys.executable, "-c", program], env=full, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout) == (0, "1\n")
    assert said in ended.stderr if said else not ended.stderr


def test_opentelemetry_instrument_finds_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    module, _, name = project["entry-points"]["opentelemetry_instrumentor"]["spanwand_gpus"].partition(":")
    assert getattr(import_module(module), name)().instrumentation_dependencies() == ()
