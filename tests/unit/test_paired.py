"""P10: the intervals of `bench/overhead.py`. Turns are made up: processes that differ by chance, and a known cost."""

import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from frozen import Turn

BENCH = str(Path(__file__).parents[2] / "bench")
GENERATIONS, ROUNDS, PANELS = 8, 4, 20
PROCESS, ROUND = 0.002, 0.004
"""Standard deviations, as shares: of a process from the next, and of a round."""


@pytest.fixture
def paired(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(BENCH)
    import paired

    yield paired
    for name in ("paired", "frozen"):
        sys.modules.pop(name, None)


def turns(seed: int, more: float = 0.0) -> "list[list[Turn]]":
    """Of a way that costs so much more, as a share."""
    from frozen import Turn

    draw = random.Random(seed)

    def turn(speed: float) -> Turn:
        factor = speed * (1 + more) * draw.gauss(1, ROUND)
        latencies_s = [2 * factor * draw.uniform(0.98, 1.02) for _ in range(PANELS)]
        return Turn(latencies_s, latencies_s, 4 * factor, 0.19 * PANELS, (0.2 * (1 + more) * PANELS), 0.0)

    return [[turn(speed) for _ in range(ROUNDS)] for speed in (draw.gauss(1, PROCESS) for _ in range(GENERATIONS))]


def test_the_same_twice_differs_by_nothing_that_matters(paired: Any) -> None:
    low, high = paired.percent_more(turns(1), turns(2), paired.STATISTICS["p50"])[1:]
    assert -1 < low < 0 < high < 1


@pytest.mark.parametrize(("more", "verdict"), [(0.003, "kept"), (0.01, "not resolved"), (0.02, "MISSED")])
def test_a_verdict_only_where_the_interval_allows_one(paired: Any, more: float, verdict: str) -> None:
    interval = paired.percent_more(turns(1), turns(2, more), paired.STATISTICS["time/panel"])
    assert interval.low < 100 * more < interval.high
    assert interval.verdict(1.0) == verdict


def test_processes_that_differ_are_not_made_certain_by_many_rounds(paired: Any) -> None:
    """Two generations, a hundred rounds each without noise: what is left is between processes."""
    interval = paired.bootstrap([[0.0] * 100, [1.0] * 100])
    assert interval == (0.5, 0.0, 1.0)


def test_cpu_time_beside_the_models_is_exact(paired: Any) -> None:
    each = paired.more(turns(1), turns(2, 0.01), paired.host_s)
    assert each == pytest.approx((0.002, 0.002, 0.002))
