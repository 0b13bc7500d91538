"""P9, K2: `/metrics` has the table of GPU metrics as Prometheus spells it, and nothing of what is not known."""

from typing import Any

import pytest

from spanwand.gpu_sample import GpuProcess, GpuSample
from spanwand_sidecar.gpu.exposition import DEVICE_METRICS, readings

GPU = ("GPU-0", "A", "0", "")


def shown(**fields: Any) -> dict[str, dict[tuple[str, ...], float]]:
    sample = GpuSample(time_ns=1, uuid="GPU-0", index="0", name="A", **fields)
    found = {metric.name: readings(metric, (sample,)) for metric in DEVICE_METRICS}
    assert len(found) == len(DEVICE_METRICS)
    return {name: values for name, values in found.items() if values}


def test_names_units_and_labels() -> None:
    assert shown(
        utilization=0.5,
        power_w=100.0,
        power_limit_w=350.0,
        power_default_limit_w=400.0,
        energy_mj=1_500,
        temperature_c=40.0,
        sm_clock_mhz=1_000,
        pcie_sent_bytes=7,
        memory_used_bytes=1,
        memory_total_bytes=4,
        ecc_corrected=0,
    ) == {
        "hw_gpu_utilization_ratio": {(*GPU, "general"): 0.5},
        "hw_power_watts": {GPU: 100},
        "spanwand_gpu_power_limit_watts": {(*GPU, "enforced"): 350, (*GPU, "default"): 400},
        "hw_energy_joules": {GPU: 1.5},
        "hw_temperature_celsius": {GPU: 40},
        "spanwand_gpu_clock_frequency_hertz": {(*GPU, "sm"): 1e9},
        "hw_gpu_io_bytes": {(*GPU, "transmit"): 7},
        "hw_gpu_memory_usage_bytes": {GPU: 1},
        "hw_gpu_memory_limit_bytes": {GPU: 4},
        "hw_gpu_memory_utilization_ratio": {GPU: 0.25},
        "hw_errors": {(*GPU, "corrected"): 0},
    }


@pytest.mark.parametrize(
    ("memory_bytes", "expected"),
    [([], 0), ([3, 4], 7), ([3, None], 3), ([None], None)],
)
def test_memory_of_processes(memory_bytes: list[int | None], expected: float | None) -> None:
    """None is there: 0. There are some, and nothing is known of them: not known, not 0."""
    processes = tuple(GpuProcess(number, used) for number, used in enumerate(memory_bytes))
    found = shown(processes=processes)
    assert found.get("spanwand_gpu_process_memory_bytes", {}).get(GPU) == expected
