"""The stand-in for NVML (tests/gpu/nvml.c), compiled, and what it is told to answer."""

import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "gpu" / "nvml.c"
WORKING = {
    "utilization": 63,
    "memory_utilization": 21,
    "memory_used": 7 << 30,
    "power_mw": 312_500,
    "limit_mw": 400_000,
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


def answers(device: int, **values: int) -> list[str]:
    """Lines that let a device answer."""
    return [f"value {name} {device} {value}" for name, value in values.items()]
