"""OpenTelemetry's metrics of hardware, of GPUs, as data: which figure of a reading each is, in both directions.

What the conventions have no name for goes by names of ours. A point is about one device: its UUID is `hw.id`.
"""

import re
from collections.abc import Mapping
from enum import StrEnum

import msgspec

from spanwand.dialects.parsers import scalar_text
from spanwand.gpu_sample import GpuSample, Sharing
from spanwand.span import Parser

_ID, _NAME, _TYPE, _INDEX, _SHARING = "hw.id", "hw.name", "hw.type", "gpu.index", "spanwand.gpu.sharing"
_TASK, _DIRECTION, _ERROR, _CLOCK = "hw.gpu.task", "network.io.direction", "error.type", "spanwand.gpu.clock"
_LIMIT = "spanwand.gpu.limit"
_UUID = re.compile(r"(?:GPU|MIG)-[\w/-]{1,80}")
_NUMBER = re.compile(r"\d{1,4}(?:\.\d{1,4})?")
_LONGEST_NAME = 80


class Instrument(StrEnum):
    """What kind of instrument measures it."""

    GAUGE = "gauge"
    COUNTER = "counter"
    UP_DOWN_COUNTER = "up_down_counter"


class HardwareMetric(msgspec.Struct, frozen=True, kw_only=True):
    """A metric. `fields` are those of `GpuSample`, by the value of the attribute `by` if there is one; a sample's value
    times `scale` is the metric's."""

    name: str
    unit: str
    text: str
    fields: Mapping[str, str]
    by: str = ""
    scale: float = 1.0
    instrument: Instrument = Instrument.GAUGE


def _gauge(name: str, unit: str, field: str, text: str) -> HardwareMetric:
    return HardwareMetric(name=name, unit=unit, text=text, fields={"": field})


METRICS: tuple[HardwareMetric, ...] = (
    HardwareMetric(
        name="hw.gpu.utilization",
        unit="1",
        text="Part of the time in which the GPU, or a part of it, worked",
        by=_TASK,
        fields={"general": "utilization", "encoder": "encoder_utilization", "decoder": "decoder_utilization"},
    ),
    _gauge("spanwand.gpu.utilization.peak", "1", "utilization_peak", "Most of it in one of the driver's samples"),
    _gauge(
        "spanwand.gpu.memory_io.utilization", "1", "memory_utilization", "Part of the time in which memory was accessed"
    ),
    HardwareMetric(
        name="hw.gpu.memory.usage",
        unit="By",
        text="Device memory in use",
        fields={"": "memory_used_bytes"},
        instrument=Instrument.UP_DOWN_COUNTER,
    ),
    HardwareMetric(
        name="hw.gpu.memory.limit",
        unit="By",
        text="Device memory there is",
        fields={"": "memory_total_bytes"},
        instrument=Instrument.UP_DOWN_COUNTER,
    ),
    HardwareMetric(
        name="hw.gpu.io",
        unit="By",
        text="What the GPU received and sent over PCIe",
        by=_DIRECTION,
        fields={"receive": "pcie_received_bytes", "transmit": "pcie_sent_bytes"},
        instrument=Instrument.COUNTER,
    ),
    HardwareMetric(
        name="spanwand.gpu.nvlink.io",
        unit="By",
        text="What the GPU received and sent over NVLink",
        by=_DIRECTION,
        fields={"receive": "nvlink_received_bytes", "transmit": "nvlink_sent_bytes"},
        instrument=Instrument.COUNTER,
    ),
    _gauge("hw.power", "W", "power_w", "Power drawn"),
    _gauge("spanwand.gpu.power.peak", "W", "power_peak_w", "Most of it in one of the driver's samples"),
    HardwareMetric(
        name="spanwand.gpu.power.limit",
        unit="W",
        text="Power it may draw: as it is set, and as it was made",
        by=_LIMIT,
        fields={"enforced": "power_limit_w", "default": "power_default_limit_w"},
    ),
    HardwareMetric(
        name="hw.energy",
        unit="J",
        text="Energy used",
        fields={"": "energy_mj"},
        scale=0.001,
        instrument=Instrument.COUNTER,
    ),
    _gauge("hw.temperature", "Cel", "temperature_c", "Temperature"),
    HardwareMetric(
        name="hw.errors",
        unit="{error}",
        text="Memory errors since the last reset",
        by=_ERROR,
        fields={"corrected": "ecc_corrected", "uncorrected": "ecc_uncorrected"},
        instrument=Instrument.COUNTER,
    ),
    HardwareMetric(
        name="spanwand.gpu.clock.frequency",
        unit="Hz",
        text="Clocks",
        by=_CLOCK,
        fields={"sm": "sm_clock_mhz", "memory": "memory_clock_mhz"},
        scale=1e6,
    ),
    _gauge("spanwand.gpu.throttle_reasons", "{bit_mask}", "throttle_reasons", "NVML's bits for what holds clocks down"),
)

NAMES = frozenset(metric.name for metric in METRICS)
PARSERS: Mapping[str, Parser] = dict.fromkeys(
    (_ID, _NAME, _TYPE, _INDEX, _SHARING, _TASK, _DIRECTION, _ERROR, _CLOCK, _LIMIT), scalar_text
)
"""Attributes of points that are read."""


_WAYS_OF_SHARING = (Sharing.MIG, Sharing.TIME_SLICED, Sharing.VGPU)


class Device(msgspec.Struct, frozen=True):
    """The device that a point is about."""

    uuid: str
    index: str
    name: str
    sharing: str


def attributes_of(sample: GpuSample, metric: HardwareMetric, label: str) -> dict[str, str]:
    """The attributes of a point about a device."""
    found = {_ID: sample.uuid, _NAME: sample.name, _TYPE: "gpu", _INDEX: sample.index}
    if sample.sharing:
        found[_SHARING] = sample.sharing
    return found | ({metric.by: label} if metric.by else {})


def device_of(attributes: Mapping[str, object]) -> Device | None:
    """The GPU that a point is about; None if it does not say, or gives it no number: then it is somebody else's."""
    uuid, index = str(attributes.get(_ID, "")), str(attributes.get(_INDEX, ""))
    if attributes.get(_TYPE) != "gpu" or not _UUID.fullmatch(uuid) or not _NUMBER.fullmatch(index):
        return None
    name, sharing = str(attributes.get(_NAME, "")), str(attributes.get(_SHARING, ""))
    return Device(uuid, index, name[:_LONGEST_NAME], sharing if sharing in _WAYS_OF_SHARING else "")
