"""P9: `bench/gpu_truth.py` is ready for a machine with a GPU: all of it runs with one that is made up."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def measured(environ: dict[str, str], *options: str) -> tuple[int, str]:
    command = [sys.executable, "bench/gpu_truth.py", *options]
    done = subprocess.run(command, cwd=ROOT, env=environ, check=False, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
def test_every_call_has_a_share_and_they_add_up(environ: dict[str, str]) -> None:
    """No time for more than the least rounds; both daemons, alone and together."""
    code, said = measured(environ, "--scripted", "--minutes", "0")
    assert code == 0, said
    assert said.count("J: exact\n") == 2
    assert "NO MEASUREMENT" in said
    assert "all of 4 at once: given / counted meanwhile" in said


def test_without_a_gpu_it_says_so_in_a_line(environ: dict[str, str]) -> None:
    code, said = measured(environ | {"NVIDIA_VISIBLE_DEVICES": "none"})
    assert code == 2, said
    assert said.startswith("cannot run here: ")
    assert said.count("\n") == 1
