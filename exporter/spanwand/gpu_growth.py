"""How much the counters of a GPU grew between two readings of it, and what was used where no counter says so."""

from collections.abc import Iterator, Mapping

from spanwand.gpu_sample import GpuSample

_BLIND_S = 15.0
"""Longest time between two readings of power that says what was used in between, where no counter does."""
COUNTERS: Mapping[str, tuple[str, float]] = {
    "energy_mj": ("energy_j", 0.001),
    "ecc_corrected": ("ecc_corrected", 1),
    "ecc_uncorrected": ("ecc_uncorrected", 1),
    "pcie_received_bytes": ("pcie_received_bytes", 1),
    "pcie_sent_bytes": ("pcie_sent_bytes", 1),
    "nvlink_received_bytes": ("nvlink_received_bytes", 1),
    "nvlink_sent_bytes": ("nvlink_sent_bytes", 1),
}
"""Fields that count, the last part of their key, and what turns their unit into ours."""
_MOST_PER_S: Mapping[str, float] = {
    "energy_j": 20e3,
    "pcie_received_bytes": 1e12,
    "pcie_sent_bytes": 1e12,
    "nvlink_received_bytes": 1e14,
    "nvlink_sent_bytes": 1e14,
}
"""More than any device does. A driver that is loaded anew may say 0 once and then all that it ever counted."""
_LEAST_S = 1.0
"""Counters grow in jumps: over less time than this, as much as in it is believed."""


def growth(before: GpuSample, now: GpuSample) -> Iterator[tuple[str, float]]:
    """How much the counters of a device grew, by the last part of their key. One that shrank began anew.

    Energy that was not counted is power between the two readings, integrated, if that is known.
    """
    seconds = (now.time_ns - before.time_ns) / 1e9
    grown = {key: amount for key, amount in _grown(before, now) if not _is_absurd(key, amount, seconds)}
    yield from grown.items()
    power_w = _mean_power_w(before, now)
    if "energy_j" not in grown and 0 < seconds <= _BLIND_S and power_w is not None:
        yield "energy_j", seconds * power_w


def counts_energy(before: GpuSample, now: GpuSample) -> bool:
    """Whether the device's own counter says what was used between two readings: both know it, and it went on."""
    if before.energy_mj is None or now.energy_mj is None or now.energy_mj < before.energy_mj:
        return False
    joules = (now.energy_mj - before.energy_mj) / 1_000
    return not _is_absurd("energy_j", joules, (now.time_ns - before.time_ns) / 1e9)


def _grown(before: GpuSample, now: GpuSample) -> Iterator[tuple[str, float]]:
    for field, (key, scale) in COUNTERS.items():
        then, value = getattr(before, field), getattr(now, field)
        if then is not None and value is not None:
            yield key, (value - then if value >= then else value) * scale


def _is_absurd(key: str, amount: float, seconds: float) -> bool:
    """Whether it is more than can be. Not known if the clock was set back."""
    return key in _MOST_PER_S and seconds > 0 and amount > _MOST_PER_S[key] * max(seconds, _LEAST_S)


def _mean_power_w(before: GpuSample, now: GpuSample) -> float | None:
    """Between two readings: by the driver's own samples if it has any, else of both ends."""
    if now.power_peak_w is not None or now.power_w is None:
        return now.power_w
    return None if before.power_w is None else (before.power_w + now.power_w) / 2
