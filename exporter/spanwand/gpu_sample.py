"""What one reading says of one GPU, and how readings lie in a frame of the journal.

Frozen `msgspec` structs, on disk as MessagePack without what is not known. `None` is not known (the device, the driver
or a permission does not give it), never 0.
"""

from collections.abc import Sequence

import msgspec


class Sharing:
    """How a device is shared, which says what its figures are worth (docs/gpu.md)."""

    NONE = ""
    MIG = "mig"
    """A slice of a GPU: memory is its own, power and energy are known of the whole GPU only."""
    TIME_SLICED = "time-sliced"
    """Other pods use the same GPU: every figure is theirs too."""
    VGPU = "vgpu"
    """A virtual GPU: power and energy are the host's secret."""


class GpuProcess(msgspec.Struct, frozen=True):
    """A process that computes on the device. `pid` is the host's: no container can tell whose it is."""

    pid: int
    memory_used_bytes: int | None = None
    utilization: float | None = None
    """Part of the device's multiprocessor time, 0 to 1, in the driver's own samples since the reading before."""


class GpuSample(msgspec.Struct, frozen=True, omit_defaults=True):
    """One device at one moment. Counters count since the driver was loaded; what they mean is how they grow."""

    time_ns: int
    """Epoch, by the clock of who read it."""
    uuid: str
    """As NVML spells it: `GPU-…` or `MIG-…`."""
    index: str
    """Its number among the devices seen; of a slice, `<number>.<GPU instance>`. The `<n>` of `gpu/<n>/…`."""
    name: str = ""
    sharing: str = Sharing.NONE
    trouble: str = ""
    """Why the device cannot be read; then nothing below is known."""
    utilization: float | None = None
    """Part of the time in which a kernel ran, 0 to 1; not how much of the device it filled. Of late as the driver has
    it; where a peak is known, since the reading before."""
    utilization_peak: float | None = None
    """Most of it in one of the driver's own samples since the reading before."""
    memory_utilization: float | None = None
    """Part of the time in which device memory was read or written, 0 to 1."""
    memory_used_bytes: int | None = None
    memory_total_bytes: int | None = None
    power_w: float | None = None
    """Of late as the driver has it; where a peak is known, the mean since the reading before."""
    power_peak_w: float | None = None
    """Most of it in one of the driver's own samples since the reading before."""
    power_limit_w: float | None = None
    """In force."""
    power_default_limit_w: float | None = None
    """That of the device as it was made."""
    energy_mj: int | None = None
    """Counter, millijoules."""
    temperature_c: float | None = None
    sm_clock_mhz: int | None = None
    memory_clock_mhz: int | None = None
    throttle_reasons: int | None = None
    """NVML's bit mask of why clocks are not higher."""
    ecc_corrected: int | None = None
    """Counter, since the device was last reset."""
    ecc_uncorrected: int | None = None
    """The same of errors that could not be corrected."""
    encoder_utilization: float | None = None
    decoder_utilization: float | None = None
    pcie_received_bytes: int | None = None
    """Counter."""
    pcie_sent_bytes: int | None = None
    """Counter."""
    nvlink_received_bytes: int | None = None
    """Counter, all links together."""
    nvlink_sent_bytes: int | None = None
    """Counter."""
    processes: tuple[GpuProcess, ...] | None = None

    @property
    def is_throttled(self) -> bool | None:
        """Whether heat, power or a brake holds the clocks down; being idle or set so does not count."""
        return None if self.throttle_reasons is None else bool(self.throttle_reasons & _SLOWED)


THROTTLE_REASONS = {
    0x4: "power_cap",
    0x8: "hardware_slowdown",
    0x20: "software_thermal",
    0x40: "hardware_thermal",
    0x80: "power_brake",
}
"""Bits of `throttle_reasons` that cost speed, as NVML defines them."""
_SLOWED = sum(THROTTLE_REASONS)
_VERSION = 1
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[int, tuple[GpuSample, ...]])


def encode(samples: Sequence[GpuSample]) -> bytes:
    """The body of a GPU_SAMPLES frame: some readings, oldest first."""
    return _encoder.encode((_VERSION, samples))


def decode(body: bytes) -> tuple[GpuSample, ...]:
    """The readings of a frame. Raises ValueError for what is none, or of a layout that is not known here."""
    try:
        version, samples = _decoder.decode(body)
    except msgspec.DecodeError as error:
        raise ValueError(f"no GPU samples: {error}") from None
    if version != _VERSION:
        raise ValueError(f"GPU samples of layout {version}")
    return samples
