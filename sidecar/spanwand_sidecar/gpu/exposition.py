"""What `/metrics` says of each GPU: OpenTelemetry's names for hardware (`hw.gpu.*`) as Prometheus spells them."""

from collections.abc import Callable, Mapping
from operator import attrgetter

import msgspec

from spanwand.gpu_sample import THROTTLE_REASONS, GpuSample

Value = Callable[[GpuSample], float | None]


class DeviceMetric(msgspec.Struct, frozen=True):
    """A metric of devices; `values` by the value of one more label, if there is one."""

    name: str
    """A counter's without `_total`."""
    text: str
    values: Mapping[str, Value]
    label: str = ""
    is_counter: bool = False


def _scaled(field: str, scale: float) -> Value:
    def value(sample: GpuSample) -> float | None:
        known: float | None = getattr(sample, field)
        return None if known is None else known * scale

    return value


def _memory_utilization(sample: GpuSample) -> float | None:
    used, total = sample.memory_used_bytes, sample.memory_total_bytes
    return used / total if used is not None and total else None


def _process_memory(sample: GpuSample) -> float | None:
    if sample.processes is None:
        return None
    return sum(process.memory_used_bytes or 0 for process in sample.processes)


def _reason(bit: int) -> Value:
    return lambda sample: None if sample.throttle_reasons is None else bool(sample.throttle_reasons & bit)


def _one(field: str) -> dict[str, Value]:
    return {"": attrgetter(field)}


DEVICE_LABELS = ("hw_id", "hw_name", "gpu", "sharing")
DEVICE_METRICS: tuple[DeviceMetric, ...] = (
    DeviceMetric(
        "hw_gpu_utilization_ratio",
        "Part of the time in which the GPU, or a part of it, worked",
        {
            "general": attrgetter("utilization"),
            "encoder": attrgetter("encoder_utilization"),
            "decoder": attrgetter("decoder_utilization"),
        },
        label="hw_gpu_task",
    ),
    DeviceMetric("hw_gpu_memory_usage_bytes", "Device memory in use", _one("memory_used_bytes")),
    DeviceMetric("hw_gpu_memory_limit_bytes", "Device memory there is", _one("memory_total_bytes")),
    DeviceMetric("hw_gpu_memory_utilization_ratio", "Part of the device memory in use", {"": _memory_utilization}),
    DeviceMetric(
        "hw_gpu_io_bytes",
        "What the GPU received and sent over PCIe",
        {"receive": attrgetter("pcie_received_bytes"), "transmit": attrgetter("pcie_sent_bytes")},
        label="network_io_direction",
        is_counter=True,
    ),
    DeviceMetric("hw_power_watts", "Power drawn", _one("power_w")),
    DeviceMetric("hw_power_limit_watts", "Power it may draw", _one("power_limit_w")),
    DeviceMetric("hw_energy_joules", "Energy used", {"": _scaled("energy_mj", 0.001)}, is_counter=True),
    DeviceMetric("hw_temperature_celsius", "Temperature", _one("temperature_c")),
    DeviceMetric(
        "hw_errors",
        "Memory errors since the last reset",
        {"corrected": attrgetter("ecc_corrected"), "uncorrected": attrgetter("ecc_uncorrected")},
        label="error_type",
        is_counter=True,
    ),
    DeviceMetric(
        "spanwand_gpu_clock_hertz",
        "Clocks",
        {"sm": _scaled("sm_clock_mhz", 1e6), "memory": _scaled("memory_clock_mhz", 1e6)},
        label="clock",
    ),
    DeviceMetric(
        "spanwand_gpu_nvlink_bytes",
        "What the GPU received and sent over NVLink",
        {"receive": attrgetter("nvlink_received_bytes"), "transmit": attrgetter("nvlink_sent_bytes")},
        label="network_io_direction",
        is_counter=True,
    ),
    DeviceMetric(
        "spanwand_gpu_throttled",
        "1 if this holds the clocks down",
        {name: _reason(bit) for bit, name in THROTTLE_REASONS.items()},
        label="reason",
    ),
    DeviceMetric(
        "spanwand_gpu_process_memory_bytes",
        "Device memory of the processes that compute on it",
        {"": _process_memory},
    ),
)
"""What is not known of a device is not there."""


def readings(metric: DeviceMetric, devices: tuple[GpuSample, ...]) -> dict[tuple[str, ...], float]:
    """A metric's values by the values of its labels."""
    return {
        (gpu.uuid, gpu.name, gpu.index, gpu.sharing, *([extra] if metric.label else [])): known
        for gpu in devices
        for extra, value in metric.values.items()
        if (known := value(gpu)) is not None
    }
