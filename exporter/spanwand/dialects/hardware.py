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
    fields: Mapping[str, str]
    by: str = ""
    scale: float = 1.0
    instrument: Instrument = Instrument.GAUGE


METRICS: tuple[HardwareMetric, ...] = (
    HardwareMetric(
        name="hw.gpu.utilization",
        unit="1",
        by=_TASK,
        fields={"general": "utilization", "encoder": "encoder_utilization", "decoder": "decoder_utilization"},
    ),
    HardwareMetric(name="spanwand.gpu.memory_io.utilization", unit="1", fields={"": "memory_utilization"}),
    HardwareMetric(
        name="hw.gpu.memory.usage",
        unit="By",
        fields={"": "memory_used_bytes"},
        instrument=Instrument.UP_DOWN_COUNTER,
    ),
    HardwareMetric(
        name="hw.gpu.memory.limit",
        unit="By",
        fields={"": "memory_total_bytes"},
        instrument=Instrument.UP_DOWN_COUNTER,
    ),
    HardwareMetric(
        name="hw.gpu.io",
        unit="By",
        by=_DIRECTION,
        fields={"receive": "pcie_received_bytes", "transmit": "pcie_sent_bytes"},
        instrument=Instrument.COUNTER,
    ),
    HardwareMetric(
        name="spanwand.gpu.nvlink.io",
        unit="By",
        by=_DIRECTION,
        fields={"receive": "nvlink_received_bytes", "transmit": "nvlink_sent_bytes"},
        instrument=Instrument.COUNTER,
    ),
    HardwareMetric(name="hw.power", unit="W", fields={"": "power_w"}),
    HardwareMetric(name="hw.energy", unit="J", fields={"": "energy_mj"}, scale=0.001, instrument=Instrument.COUNTER),
    HardwareMetric(name="hw.temperature", unit="Cel", fields={"": "temperature_c"}),
    HardwareMetric(
        name="hw.errors",
        unit="{error}",
        by=_ERROR,
        fields={"corrected": "ecc_corrected", "uncorrected": "ecc_uncorrected"},
        instrument=Instrument.COUNTER,
    ),
    HardwareMetric(
        name="spanwand.gpu.clock.frequency",
        unit="Hz",
        by=_CLOCK,
        fields={"sm": "sm_clock_mhz", "memory": "memory_clock_mhz"},
        scale=1e6,
    ),
    HardwareMetric(name="spanwand.gpu.throttle_reasons", unit="{bit_mask}", fields={"": "throttle_reasons"}),
)

NAMES = frozenset(metric.name for metric in METRICS)
PARSERS: Mapping[str, Parser] = dict.fromkeys(
    (_ID, _NAME, _TYPE, _INDEX, _SHARING, _TASK, _DIRECTION, _ERROR, _CLOCK), scalar_text
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
