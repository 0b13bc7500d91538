"""P8, R26: what `bench/day.py` does with a day, in minutes: rotated runs, rolled Tables, everything read back."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_runs_are_rotated_and_everything_is_read_back(environ: dict[str, str]) -> None:
    """Nine minutes of journal time, runs of three: two rotations, three runs each of the service and of our health."""
    command = [sys.executable, "bench/day.py", "--hours", "0.15", "--rate", "20", "--rotate-h", "0.05"]
    done = subprocess.run(command, cwd=ROOT, env=environ, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    runs = re.search(r"(\d+) runs$", done.stdout, re.MULTILINE)
    assert runs is not None
    assert int(runs[1]) >= 6
    assert "dropped 0\n" in done.stdout
