"""The processes on a device: the memory that each has, and how busy each was since the reading before."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from spanwand.gpu_sample import GpuProcess

_MOST_PERCENT = 100
"""Some drivers say more, of processes that are gone."""


class Busy(msgspec.Struct):
    """What is known of the driver's samples. Mutable: `seen_us` is the time of the newest, 0 before the first ones."""

    seen_us: int = 0
    is_asked: bool = True
    """Whether this device and driver have them."""


def utilization(nvml: Any, handle: Any, busy: Busy) -> dict[int, float]:
    """By pid, of those that worked since the last time; nothing of the first time: who knows since when."""
    if not busy.is_asked:
        return {}
    try:
        samples = nvml.nvmlDeviceGetProcessUtilization(handle, busy.seen_us)
    except nvml.NVMLError as error:
        busy.is_asked = error.value in (nvml.NVML_ERROR_NOT_FOUND, nvml.NVML_SUCCESS)  # nothing is new
        return {}
    before_us, busy.seen_us = busy.seen_us, max([busy.seen_us, *(sample.timeStamp for sample in samples)])
    found = defaultdict[int, list[float]](list)
    for sample in samples:
        if before_us and sample.timeStamp > before_us and sample.smUtil <= _MOST_PERCENT:
            found[sample.pid].append(sample.smUtil / 100)
    return {pid: sum(parts) / len(parts) for pid, parts in found.items()}


def together(running: Iterable[Any], busy: Mapping[int, float]) -> tuple[GpuProcess, ...]:
    """Those that run now, each with what is known of it."""
    return tuple(GpuProcess(process.pid, process.usedGpuMemory, busy.get(process.pid)) for process in running)
