"""What `/metrics` says of each GPU: OpenTelemetry's names for hardware (`hw.gpu.*`) as Prometheus spells them."""

from collections.abc import Callable, Mapping

import msgspec

from spanwand.dialects.hardware import METRICS, HardwareMetric, Instrument
from spanwand.gpu_sample import THROTTLE_REASONS, GpuSample

Value = Callable[[GpuSample], float | None]
_UNITS = {"1": "_ratio", "By": "_bytes", "W": "_watts", "J": "_joules", "Cel": "_celsius", "Hz": "_hertz"}


class DeviceMetric(msgspec.Struct, frozen=True):
    """A metric of devices; `values` by the value of one more label, if there is one."""

    name: str
    """A counter's without `_total`."""
    text: str
    values: Mapping[str, Value]
    label: str = ""
    is_counter: bool = False


def _spelt(metric: HardwareMetric) -> DeviceMetric:
    return DeviceMetric(
        _word(metric.name) + _UNITS.get(metric.unit, ""),
        metric.text,
        {label: _scaled(field, metric.scale) for label, field in metric.fields.items()},
        _word(metric.by),
        metric.instrument is Instrument.COUNTER,
    )


def _word(name: str) -> str:
    return name.replace(".", "_")


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
    known = [process.memory_used_bytes for process in sample.processes if process.memory_used_bytes is not None]
    return sum(known) if known or not sample.processes else None


def _reason(bit: int) -> Value:
    return lambda sample: None if sample.throttle_reasons is None else bool(sample.throttle_reasons & bit)


DEVICE_LABELS = ("hw_id", "hw_name", "gpu", "sharing")
DEVICE_METRICS: tuple[DeviceMetric, ...] = (
    *map(_spelt, METRICS),
    DeviceMetric("hw_gpu_memory_utilization_ratio", "Part of the device memory in use", {"": _memory_utilization}),
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
