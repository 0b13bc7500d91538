"""CPU and memory of a daemon that does nothing but read GPUs: with none, with one and eight at 1 s, with one at 50 ms.

    python bench/gpu_idle.py [--seconds 30]

NVML is the tests' stand-in (tests/gpu/nvml.c), which has fifty power and ten utilisation samples of its own a second,
under the real bindings: what a driver takes comes on top. Needs a C compiler. The budget of design section 8 is 1 %.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.support.nvml import WORKING, StandIn, answers  # noqa: E402

from footprint import BUDGET_IDLE_CPU, measure  # noqa: E402  both lie beside this script or above it

START_S = 4.0


class Case(NamedTuple):
    """What is read and how often; 0 s: nothing."""

    gpus: int
    interval_s: float


CASES = (Case(0, 0), Case(1, 1), Case(8, 1), Case(1, 0.05))


def main() -> None:
    """Measure one case after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0)
    seconds = parser.parse_args().seconds
    for case in CASES:
        with tempfile.TemporaryDirectory() as directory:
            print(one(case, Path(directory), seconds), flush=True)


def one(case: Case, directory: Path, seconds: float) -> str:
    """The line about a case."""
    gpus = StandIn(directory / "driver")
    lines = [line for gpu in range(case.gpus) for line in answers(gpu, **WORKING)]
    gpus.says(f"devices {case.gpus}", "flow power 20000", "flow utilization 100000", *lines)
    read = {"SPANWAND_GPU__INTERVAL_S": str(case.interval_s)} if case.interval_s else {"SPANWAND_GPU__READER": "off"}
    data = directory / "data"
    anywhere = [word for port in ("grpc", "http", "admin") for word in (f"--{port}", "127.0.0.1:0")]
    command = [sys.executable, "-m", "spanwand_sidecar", "up", "--data-dir", str(data), *anywhere]
    environ = {**os.environ, "SPANWAND_LOG__LEVEL": "error", **gpus.environ, **read}
    with subprocess.Popen(command, env=environ) as process:
        while not (data / "endpoints.json").exists():
            time.sleep(0.05)
        time.sleep(START_S)
        use = measure(process.pid, seconds)
        process.terminate()
    what = f"{case.gpus} GPUs every {case.interval_s:g} s" if case.interval_s else "reader: off"
    verdict = "" if case.interval_s != 1 else "  ok" if use.cpu <= BUDGET_IDLE_CPU else "  OVER BUDGET"
    return f"{what:24}{use.cpu:7.2%} of a core{use.pss_mib:7.0f} MiB{verdict}"


if __name__ == "__main__":
    main()
