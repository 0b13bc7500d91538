"""R1, R44: kill -9 at random moments; every acknowledged span comes out, and no span twice (P2)."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from tests.faults.kill_rounds import kill_rounds
from tests.faults.targets import Spanwand, rows

Report = Callable[[str], None]


def survives(target: Spanwand, rounds: int, directory: Path, report: Report) -> None:
    found, killed = kill_rounds(target, rounds, directory)
    report(f"R1 spanwand -> {target.sink:6} {found}  ({', '.join(f'{n} {what}' for what, n in killed.items())})")
    assert found.acknowledged
    assert (found.lost, found.doubled, found.miscounted, found.miscounted_tokens) == (0, 0, 0, 0)
    runs = target.runs()
    traces = [cells[0] for cells in rows(runs, "requests", "trace_id")]
    assert len(set(traces)) == len(traces)
    for run in runs:
        steps = [step["_step"] for step in run.history if "_step" in step]
        assert all(earlier < later for earlier, later in pairwise(steps))


@pytest.mark.slow
@pytest.mark.parametrize("sink", ["wandb", "jsonl"])
def test_ten_rounds(tmp_path: Path, report: Report, sink: str) -> None:
    survives(Spanwand(tmp_path, sink), 10 if sink == "wandb" else 3, tmp_path, report)


@pytest.mark.faults
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("sink", ["wandb", "jsonl"])
def test_two_hundred_rounds(tmp_path: Path, report: Report, sink: str) -> None:
    survives(Spanwand(tmp_path, sink), 200, tmp_path, report)
