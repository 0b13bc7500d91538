"""A reader of GPUs that do not exist, for demos and tests: what they do is written in a file, and repeats."""

import time
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from typing import Self

from pydantic import Field

from spanwand.config import Section
from spanwand.errors import ConfigError
from spanwand.gpu_sample import GpuSample
from spanwand.prices.lines import read_section

_NS = 1_000_000_000


class Phase(Section):
    """What a GPU does for a while. Unknown is null, as with a real one."""

    seconds: float = Field(gt=0)
    power_w: float | None = Field(default=80.0, ge=0)
    utilization: float | None = Field(default=0.0, ge=0, le=1)
    memory_used_bytes: int | None = Field(default=2 << 30, ge=0)


class ScriptedGpu(Section):
    """One GPU: its phases come round again and again, from the epoch on."""

    uuid: str = ""
    name: str = "Scripted 80GB"
    memory_total_bytes: int | None = 80 << 30
    phases: tuple[Phase, ...] = Field(
        default=(Phase(seconds=6, power_w=390, utilization=0.97, memory_used_bytes=30 << 30), Phase(seconds=4)),
        min_length=1,
    )


class Script(Section):
    """The GPUs of a machine."""

    gpus: tuple[ScriptedGpu, ...] = Field(default=(ScriptedGpu(),), min_length=1)


def load_script(path: str) -> Script:
    """Read a script; without a path the one GPU of the defaults. Raises ConfigError."""
    if not path:
        return Script()
    try:
        return read_section(Script, Path(path).expanduser())[0]
    except ConfigError as error:
        raise ConfigError(f"gpu.script {path}: {error}") from None


class ScriptedReader:
    """Reads what a script says is the case now."""

    def __init__(self, script: Script, now_ns: Callable[[], int] = time.time_ns) -> None:
        """`now_ns` gives the time since the epoch."""
        self._gpus = script.gpus
        self._now_ns = now_ns

    def again(self) -> Self:
        """Open it once more: there is nothing to open."""
        return self

    def read(self) -> list[GpuSample]:
        """See `GpuReader`."""
        now_ns = self._now_ns()
        return [_sample(gpu, str(number), now_ns) for number, gpu in enumerate(self._gpus)]

    def close(self) -> None:
        """See `GpuReader`."""


def _sample(gpu: ScriptedGpu, index: str, now_ns: int) -> GpuSample:
    ends = list(accumulate(phase.seconds for phase in gpu.phases))
    rounds, into_s = divmod(now_ns / _NS, ends[-1])
    phase = next((phase for phase, end in zip(gpu.phases, ends, strict=True) if into_s < end), gpu.phases[-1])
    return GpuSample(
        time_ns=now_ns,
        uuid=gpu.uuid or f"GPU-scripted-{index}",
        index=index,
        name=gpu.name,
        utilization=phase.utilization,
        memory_used_bytes=phase.memory_used_bytes,
        memory_total_bytes=gpu.memory_total_bytes,
        power_w=phase.power_w,
        energy_mj=_energy_mj(gpu, rounds, into_s),
    )


def _energy_mj(gpu: ScriptedGpu, rounds: float, into_s: float) -> int | None:
    """Energy since the epoch: the power of the phases, added up exactly. None if one of them does not know it."""
    joules = whole = 0.0
    for phase in gpu.phases:
        if phase.power_w is None:
            return None
        whole += phase.power_w * phase.seconds
        joules += phase.power_w * min(max(into_s, 0.0), phase.seconds)
        into_s -= phase.seconds
    return round((rounds * whole + joules) * 1_000)
