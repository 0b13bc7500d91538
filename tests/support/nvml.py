"""The stand-in for NVML (tests/gpu/nvml.c), compiled, and what it is told to answer."""

import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

SOURCE = Path(__file__).parents[1] / "gpu" / "nvml.c"
PROGRAM = SOURCE.with_name("read_gpus.py")
Read = Callable[[], Any]
WORKING = {
    "utilization": 63,
    "memory_utilization": 21,
    "memory_used": 7 << 30,
    "power_mw": 312_500,
    "limit_mw": 400_000,
    "default_limit_mw": 450_000,
    "energy_mj": 5_000_000,
    "celsius": 55,
    "sm_mhz": 1_980,
    "memory_mhz": 2_619,
    "throttle": 0x4,
    "ecc_corrected": 2,
    "ecc_uncorrected": 0,
    "encoder": 10,
    "decoder": 20,
    "field197": 900,  # PCIe bytes sent
    "field198": 1_000,
    "field138": 4,  # NVLink KiB sent
    "field139": 5,
}
"""A GPU at work, in NVML's units."""
SLICE = {"memory_used": 3 << 30}
"""All that a slice of one knows."""


@functools.cache
def built(*macros: str) -> bytes:
    """The compiled library."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler to build the stand-in for NVML with")
    with tempfile.TemporaryDirectory() as directory:
        library = Path(directory) / "library.so"
        flags = ["-shared", "-fPIC", "-O1", *(f"-D{macro}" for macro in macros)]
        subprocess.run([compiler, *flags, "-o", str(library), str(SOURCE)], check=True)
        return library.read_bytes()


class StandIn:
    """A library and its script; both may change while something reads."""

    def __init__(self, directory: Path, *macros: str) -> None:
        directory.mkdir(exist_ok=True)
        self.library = directory / "libnvidia-ml.so.1"
        self.script = directory / "script"
        self.library.write_bytes(built(*macros))
        self.says("devices 0")

    def says(self, *lines: str) -> None:
        """Change all answers at once, as a driver would."""
        new = self.script.with_suffix(".new")
        new.write_text("\n".join(lines) + "\n")
        new.replace(self.script)

    @property
    def environ(self) -> dict[str, str]:
        """For a process that is to find this library."""
        return {"LD_LIBRARY_PATH": str(self.library.parent), "NVML_STAND_IN": str(self.script)}

    @property
    def full_environ(self) -> dict[str, str]:
        """The same on top of the tests' own."""
        return {**os.environ, **self.environ}


def sampled(what: str, *samples: tuple[int, int], device: int = 0) -> list[str]:
    """Lines for a buffer of the driver's own samples: microseconds, and values in NVML's unit."""
    return [f"sample{device} {what} {time_us} {value}" for time_us, value in samples]


def answers(device: int, **values: int) -> list[str]:
    """Lines that let a device answer."""
    return [f"value {name} {device} {value}" for name, value in values.items()]


@contextmanager
def reader(stand_in: StandIn, **environ: str) -> Iterator[Read]:
    """A process that reads whenever it is asked to."""
    command = [sys.executable, str(PROGRAM)]
    environment = {**stand_in.full_environ, **environ}
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        to, back = process.stdin, process.stdout

        def read() -> Any:
            to.write("\n")
            to.flush()
            return json.loads(back.readline())

        yield read
        to.close()
    assert process.returncode == 0
