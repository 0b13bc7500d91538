"""P9, K2: a daemon that reads GPUs: in its service's run, on `/metrics`, in its status; and one whose driver hangs."""

from pathlib import Path

import pytest
from tests.support.daemon import WINDOW, RunningDaemon, counted, daemon, rows, send, spanwand, sums, until, updates
from tests.support.nvml import WORKING, StandIn, answers


@pytest.fixture
def gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    stand_in = StandIn(tmp_path / "driver")
    stand_in.says("devices 2", *answers(0, **WORKING), *answers(1, power_mw=90_000))
    for name, value in stand_in.environ.items():
        monkeypatch.setenv(name, value)
    return stand_in


def reads(running: RunningDaemon, state: str) -> None:
    until(lambda: running.status().gpus.state == state)


def energy_j(data: Path) -> float:
    return sum(points["gpu/0/energy_j"] for points in sums(updates(data)).values())


def test_gpus_are_in_the_run_of_the_service(gpus: StandIn, tmp_path: Path) -> None:
    """Readings of a call's time are there, though nobody had called when they were taken."""
    data = tmp_path / "data"
    with daemon(data, GPU__INTERVAL_S="0.1", **WINDOW) as running:
        reads(running, "reading")
        send(running, 2)
        gpus.says("devices 2", *answers(0, **WORKING | {"energy_mj": 5_250_000}), *answers(1, power_mw=90_000))
        until(lambda: counted(data) == 2 and energy_j(data) == 250)
        metrics = running.get("/metrics")[2]
        device = 'gpu="0",hw_id="GPU-0",hw_name="Stand-in 80GB"'
        assert f'hw_power_watts{{{device},sharing=""}} 312.5' in metrics
        assert f'hw_energy_joules_total{{{device},sharing=""}} 5250.0' in metrics
        task = 'gpu="0",hw_gpu_task="general",hw_id="GPU-0"'
        assert f"hw_gpu_utilization_ratio{{{task}" in metrics
        assert 'spanwand_gpu_state{state="reading"} 1.0' in metrics
        assert 'hw_energy_joules_total{gpu="1"' not in metrics  # it does not know
        shown = spanwand(data, "status").stdout
        assert "gpus      reading\n          0 Stand-in 80GB: 63% busy, 312 W, 7.0 GiB in use" in shown
        assert running.status().ready
        running.stop()
    points = [line["points"] for line in updates(data) if "gpu/1/power_w" in line["points"]]
    assert all(one["gpu/1/power_w"] == 90 for one in points)
    assert all(one["gpu/0/memory_used_bytes"] == 7 << 30 for one in points)
    assert len(rows(updates(data), "generations")) == 2


def test_a_driver_that_hangs_is_a_state_and_the_daemon_stops(gpus: StandIn, tmp_path: Path) -> None:
    gpus.says("devices 1", "hang nvmlDeviceGetPowerUsage")
    with daemon(tmp_path / "data", **WINDOW) as running:
        reads(running, "hung")
        status = running.status()
        assert status.ready
        assert status.reasons == ("GPUs: the driver has not answered for 5 s",)
        send(running, 1)
        until(lambda: counted(tmp_path / "data") == 1)
        log = running.stop()
        assert running.process.returncode == 0
    assert "hung: the driver has not answered" in log


def test_a_machine_without_a_gpu(tmp_path: Path) -> None:
    with daemon(tmp_path, **WINDOW) as running:
        reads(running, "none")
        status = running.status()
        assert (status.gpus.why, status.reasons) == ("no GPU: NVML's library is not found", ())
        log = running.stop()
    assert log.count("GPUs: none is read") == 1


def test_a_script_that_is_wrong_is_said_before_the_start(tmp_path: Path) -> None:
    done = spanwand(tmp_path, "up", GPU__READER="scripted", GPU__SCRIPT="/nowhere/gpus.yaml")
    assert done.returncode in (1, 2)
    assert "gpu.script /nowhere/gpus.yaml" in done.stderr


def test_readings_can_be_switched_off(gpus: StandIn, tmp_path: Path) -> None:
    with daemon(tmp_path / "data", GPU__READER="off", **WINDOW) as running:
        assert running.status().gpus.state == "off"
