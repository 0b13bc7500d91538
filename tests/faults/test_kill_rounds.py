"""R1, R44: kill -9 at random moments; every acknowledged span comes out, and no span twice (P2)."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from tests.faults.kill_rounds import account, kill_rounds, spans_load
from tests.faults.otlp import TOKENS
from tests.faults.senders import Senders
from tests.faults.signals import counted_tokens, counters_load, delivered_verdicts, verdicts_load
from tests.faults.targets import Spanwand, rows

Report = Callable[[str], None]


def survives(target: Spanwand, rounds: int, directory: Path, report: Report) -> None:
    """Spans, logs and metrics: of each, what was acknowledged counts once."""
    with (
        target,
        Senders(spans_load(target.address), directory / "senders", count=2) as spans,
        Senders(verdicts_load(target.address), directory / "senders", count=1, first=11) as verdicts,
        Senders(counters_load(target.address), directory / "senders", count=1, first=12) as counters,
    ):
        killed = kill_rounds(target, rounds, (spans, verdicts, counters))
    found = account(spans.acknowledged(), rounds, target.delivered())
    judged = account(verdicts.acknowledged(), rounds, delivered_verdicts(target))
    sent, counted = TOKENS * len(counters.answers()), counted_tokens(target)
    report(f"R1 spanwand -> {target.sink:6} {found}  ({', '.join(f'{n} {what}' for what, n in killed.items())})")
    report(f"R1   log records     {judged}; counters: {counted[0]:g} and {counted[1]:g} of {sent}")
    for each in (found, judged):
        assert each.acknowledged
        assert (each.lost, each.doubled, each.miscounted, each.miscounted_tokens) == (0, 0, 0, 0)
    assert counted == [sent, sent]
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
