"""What is asked of NVML, as a table: a function, its arguments, and the fields of a sample that its answer gives.

Each line may fail alone: an old driver lacks the function, a device does not support it, a container may not ask. Then
its fields stay unknown, and the rest is not touched.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec


class Query(msgspec.Struct, frozen=True):
    """One call per device. `functions` are names for the same thing, the newest first: a driver has one of them.

    `arguments` are constants of pynvml by name, or numbers as they are.
    """

    functions: tuple[str, ...]
    fields: Mapping[str, Callable[[Any], Any]]
    arguments: tuple[str | int, ...] = ()


def _attribute(name: str, scale: float = 1) -> Callable[[Any], Any]:
    return lambda answer: getattr(answer, name) * scale


def _times(scale: float) -> Callable[[Any], Any]:
    return lambda answer: answer * scale


def _first_percent(answer: list[int]) -> float:
    return answer[0] / 100


def _same(answer: Any) -> Any:
    return answer


QUERIES: tuple[Query, ...] = (
    Query(
        ("nvmlDeviceGetUtilizationRates",),
        {"utilization": _attribute("gpu", 0.01), "memory_utilization": _attribute("memory", 0.01)},
    ),
    Query(
        ("nvmlDeviceGetMemoryInfo",),
        {"memory_used_bytes": _attribute("used"), "memory_total_bytes": _attribute("total")},
    ),
    Query(("nvmlDeviceGetTotalEnergyConsumption",), {"energy_mj": _same}),
    Query(("nvmlDeviceGetPowerUsage",), {"power_w": _times(0.001)}),
    Query(("nvmlDeviceGetEnforcedPowerLimit",), {"power_limit_w": _times(0.001)}),
    Query(("nvmlDeviceGetPowerManagementDefaultLimit",), {"power_default_limit_w": _times(0.001)}),
    Query(("nvmlDeviceGetTemperature",), {"temperature_c": float}, ("NVML_TEMPERATURE_GPU",)),
    Query(("nvmlDeviceGetClockInfo",), {"sm_clock_mhz": _same}, ("NVML_CLOCK_SM",)),
    Query(("nvmlDeviceGetClockInfo",), {"memory_clock_mhz": _same}, ("NVML_CLOCK_MEM",)),
    Query(
        ("nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons"),
        {"throttle_reasons": _same},
    ),
    Query(
        ("nvmlDeviceGetTotalEccErrors",),
        {"ecc_corrected": _same},
        ("NVML_MEMORY_ERROR_TYPE_CORRECTED", "NVML_VOLATILE_ECC"),
    ),
    Query(
        ("nvmlDeviceGetTotalEccErrors",),
        {"ecc_uncorrected": _same},
        ("NVML_MEMORY_ERROR_TYPE_UNCORRECTED", "NVML_VOLATILE_ECC"),
    ),
    Query(("nvmlDeviceGetEncoderUtilization",), {"encoder_utilization": _first_percent}),
    Query(("nvmlDeviceGetDecoderUtilization",), {"decoder_utilization": _first_percent}),
)
"""Functions that have versions go by these: by their plain names they refuse to work with an older driver.

PCIe throughput is not asked for by the function for it, which takes 20 ms to look; the counters below cost nothing.
"""

PROCESSES = Query(
    ("nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetComputeRunningProcesses_v2"), {"processes": _same}
)
"""How busy each of them was is asked with it: `processes`."""

ALL_LINKS = 0xFFFFFFFF
"""The scope of a counter that sums all NVLinks."""


class FieldValue(NamedTuple):
    """One of NVML's field values: its constant, its scope, and what turns its unit into that of a sample's field."""

    field: str
    name: str
    scope: int = 0
    scale: float = 1


FIELD_VALUES = (
    FieldValue("power_w", "NVML_FI_DEV_POWER_INSTANT", scale=0.001),
    FieldValue("power_w", "NVML_FI_DEV_POWER_AVERAGE", scale=0.001),
    FieldValue("power_limit_w", "NVML_FI_DEV_POWER_CURRENT_LIMIT", scale=0.001),
    FieldValue("power_default_limit_w", "NVML_FI_DEV_POWER_DEFAULT_LIMIT", scale=0.001),
    FieldValue("energy_mj", "NVML_FI_DEV_TOTAL_ENERGY_CONSUMPTION"),
    FieldValue("pcie_received_bytes", "NVML_FI_DEV_PCIE_COUNT_RX_BYTES"),
    FieldValue("pcie_sent_bytes", "NVML_FI_DEV_PCIE_COUNT_TX_BYTES"),
    FieldValue("nvlink_received_bytes", "NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_RX", ALL_LINKS, 1024),
    FieldValue("nvlink_sent_bytes", "NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_TX", ALL_LINKS, 1024),
)
"""All in one call, each with an error of its own. Of two for the same field the later one is better; and a function for
it, above, is better still."""
