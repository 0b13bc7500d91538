"""Points of OTLP metrics that are readings of GPUs, made by an app whose sidecar cannot see them -> samples, as NVML's.

All points of one device and time are one sample. Other points are left to `measure`.
"""

from collections.abc import Iterable

import msgspec

from spanwand.dialects.hardware import METRICS, Device, HardwareMetric, device_of
from spanwand.gpu_sample import GpuSample
from spanwand.measurement import Distribution, Measurement, Temporality

_METRICS = {metric.name: metric for metric in METRICS}
_WHOLE = {field.name for field in msgspec.structs.fields(GpuSample) if field.type == int | None}
_LARGEST = 2.0**63


def gpu_samples(points: Iterable[Measurement]) -> tuple[list[GpuSample], list[Measurement]]:
    """The samples, in the order of their first points, and the points that are of none."""
    found: dict[tuple[int, Device, int], dict[str, float]] = {}
    others = []
    for point in points:
        metric = _METRICS.get(point.name)
        device = device_of(point.attributes) if metric else None
        if metric is None or device is None:
            others.append(point)
            continue
        found.setdefault((id(point.resource), device, point.time_ns), {}).update(_field(metric, point))
    return [_sample(device, time_ns, fields) for (_, device, time_ns), fields in found.items()], others


def _field(metric: HardwareMetric, point: Measurement) -> dict[str, float]:
    """The field that a point gives; none if its value is nonsense, or a growth: then power says what was used."""
    name = metric.fields.get(str(point.attributes.get(metric.by, "")))
    value = point.value
    if name is None or isinstance(value, Distribution) or point.temporality is Temporality.DELTA:
        return {}
    value /= metric.scale
    if not 0 <= value < _LARGEST:
        return {}
    return {name: round(value) if name in _WHOLE else value}


def _sample(device: Device, time_ns: int, fields: dict[str, float]) -> GpuSample:
    return GpuSample(time_ns, device.uuid, device.index, device.name, device.sharing, **fields)  # type: ignore[arg-type]
