"""R20: a sender that does not hear the answer sends again. What it sends counts once."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.kill_rounds import account
from tests.faults.otlp import keys, request
from tests.faults.targets import Spanwand
from tests.faults.test_flood import send_all

REQUESTS, SPANS = 60, 10


@pytest.mark.slow
@pytest.mark.parametrize("sink", ["jsonl", "wandb"])
def test_everything_is_sent_three_times(tmp_path: Path, report: Callable[[str], None], sink: str) -> None:
    """Twice to one daemon, half of it over a kill -9, and all again to the next, which has been stopped in order."""
    bodies = [request(1, number, SPANS) for number in range(1, REQUESTS + 1)]
    with Spanwand(tmp_path, sink, GATHER__LATE_S="30") as target:
        send_all(target, bodies + bodies[: REQUESTS // 2])
        target.kill_all()
        send_all(target, bodies[REQUESTS // 2 :])
        target.drain()
        send_all(target, bodies)
        target.drain()
    sent = {key for number in range(1, REQUESTS + 1) for key in keys(1, number, SPANS)}
    found = account(sent, 1, target.delivered())
    report(f"R20 every request sent 3 times -> {sink:6} {found}")
    assert (found.lost, found.doubled, found.miscounted, found.miscounted_tokens) == (0, 0, 0, 0)
