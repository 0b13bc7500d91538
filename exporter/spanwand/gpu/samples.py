"""What a GPU did between two readings: NVML's own buffers of samples, which the driver fills many times a second.

A buffer is asked for what is new in it. Its times are microseconds of a clock that NVML does not name (the epoch's with
some drivers, the machine's with others), so only differences count. Where samples are missing nothing is known of it.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import msgspec

_LARGEST_GAP_US = 1_000_000
"""Samples are 20 to 200 ms apart: between two that are further apart, the buffer went round or the clock was set."""
_MOST_EMPTY = 10
"""Readings without anything new, after which the buffer is read from its beginning: its clock was set back."""
_MEMBER_OF_TYPE = ("dVal", "uiVal", "ulVal", "ullVal", "sllVal", "siVal", "usVal")


class Buffer(msgspec.Struct):
    """One buffer of a device: the fields of a sample that it gives, and what turns its unit into theirs.

    Mutable: `seen_us` is the time of the newest sample that was read, 0 before the first one.
    """

    kind: str
    """The constant of pynvml."""
    mean: str
    peak: str
    scale: float
    seen_us: int = 0
    empty: int = 0


def buffers() -> tuple[Buffer, ...]:
    """Those of a device that has not been read."""
    return (
        Buffer("NVML_TOTAL_POWER_SAMPLES", "power_w", "power_peak_w", 0.001),
        Buffer("NVML_GPU_UTILIZATION_SAMPLES", "utilization", "utilization_peak", 0.01),
    )


def ask(nvml: Any, handle: Any, buffer: Buffer) -> dict[str, float]:
    """The mean and the peak since the last time; nothing if that is not known. Raises NVMLError."""
    try:
        kind, found = nvml.nvmlDeviceGetSamples(handle, getattr(nvml, buffer.kind), buffer.seen_us)
    except nvml.NVMLError as error:
        if error.value != nvml.NVML_ERROR_NOT_FOUND:  # which is how it says that nothing is new
            raise
        kind, found = nvml.NVML_VALUE_TYPE_DOUBLE, []
    samples = [(sample.timeStamp, number(sample.sampleValue, kind)) for sample in found]
    return since(buffer, sorted((time_us, value) for time_us, value in samples if value is not None))


def since(buffer: Buffer, samples: Sequence[tuple[int, float]]) -> dict[str, float]:
    """What samples, by time, say of the time since the last ones. Each holds from the one before it on."""
    seen_us, new = buffer.seen_us, [sample for sample in samples if sample[0] > buffer.seen_us]
    if not new:
        buffer.empty += 1
        if buffer.empty >= _MOST_EMPTY:
            buffer.seen_us = buffer.empty = 0
        return {}
    buffer.seen_us, buffer.empty = new[-1][0], 0
    held_us = [now - before for before, now in pairwise((seen_us, *(time_us for time_us, _ in new)))]
    if not seen_us or max(held_us) > _LARGEST_GAP_US:
        return {}
    values = [value * buffer.scale for _, value in new]
    mean = sum([value * us for value, us in zip(values, held_us, strict=True)]) / sum(held_us)
    return {buffer.mean: mean, buffer.peak: max(values)}


def number(value: Any, kind: int) -> float | None:
    """What NVML's union of values holds; None if its type is of a newer NVML than is known here."""
    known: float | None = getattr(value, _MEMBER_OF_TYPE[kind]) if 0 <= kind < len(_MEMBER_OF_TYPE) else None
    return known
