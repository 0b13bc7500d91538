"""The part of the GPUs' time and energy that calls used, and what shares add up to for the Request they belong to."""

from collections.abc import Callable
from enum import StrEnum
from operator import add
from typing import TypeVar

import msgspec

_Amount = TypeVar("_Amount", int, float)


class GpuMethod(StrEnum):
    """How it is known when a call was on the GPU, best first."""

    ENGINE = "engine"
    """The serving engine says how long it worked on the call, its queue left out."""
    IN_PROCESS = "in_process"
    """The instrumentation inside the app says how long the call's phases took, waiting left out."""
    OVERLAP = "overlap"
    """From the call's start to its end."""


class GpuShare(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A call's part of the devices' own counters; of a Request, that of all its calls. None is not known, never 0."""

    seconds: float
    """Device time by the clock on the wall: one second of two GPUs, or two seconds of half of one, are two and one."""
    joules: float | None = None
    method: str
    devices: str = ""
    """Their numbers, as in `gpu/<n>/…`, comma separated."""
    uncertainty: float = 1.0
    """Part of the call's time, 0 to 1, in which its share rests on more than the counter of a device it had alone."""
    memory_peak_bytes: int | None = None
    """Most memory in use on one of the devices meanwhile, by whomever."""
    memory_mean_bytes: float | None = None
    utilization: float | None = None
    """Mean part of the time in which the devices worked, 0 to 1."""
    cost_usd: float | None = None
    """Of its seconds, where `gpus` of the price file has the device."""
    co2e_g: float | None = None


def together(one: GpuShare | None, other: GpuShare | None) -> GpuShare | None:
    """What two shares add up to. Means are weighted by their seconds."""
    if one is None or other is None:
        return one or other
    seconds = one.seconds + other.seconds
    weight = one.seconds / seconds if seconds else 0.5

    def mean(of_one: float, of_other: float) -> float:
        return of_one * weight + of_other * (1 - weight)

    return GpuShare(
        seconds=seconds,
        joules=_known(add, one.joules, other.joules),
        method=_names(one.method, other.method),
        devices=_names(one.devices, other.devices),
        uncertainty=mean(one.uncertainty, other.uncertainty),
        memory_peak_bytes=_known(max, one.memory_peak_bytes, other.memory_peak_bytes),
        memory_mean_bytes=_known(mean, one.memory_mean_bytes, other.memory_mean_bytes),
        utilization=_known(mean, one.utilization, other.utilization),
        cost_usd=_known(add, one.cost_usd, other.cost_usd),
        co2e_g=_known(add, one.co2e_g, other.co2e_g),
    )


def _known(
    combine: Callable[[_Amount, _Amount], _Amount], one: _Amount | None, other: _Amount | None
) -> _Amount | None:
    if one is None or other is None:
        return one if other is None else other
    return combine(one, other)


def _names(one: str, other: str) -> str:
    return one if one == other else ",".join(sorted({*one.split(","), *other.split(",")}))
