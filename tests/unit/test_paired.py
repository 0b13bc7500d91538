"""P10: the intervals of `bench/overhead.py`. Turns are made up: processes that differ by chance, and a known cost."""

import math
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from frozen import Turn

BENCH = str(Path(__file__).parents[2] / "bench")
MODULES = ("paired", "saved", "harrell_davis", "signed_rank", "frozen", "watched_models")
GENERATIONS, ROUNDS, COMICS = 8, 4, 30
PROCESS, ROUND = 0.002, 0.004
"""Standard deviations, as shares: of a process from the next, and of a round."""
RUNS, COVERED = 400, 0.93
"""How often a run is made up, and in how many of them at least the interval has to hold the truth."""


@pytest.fixture(autouse=True)
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(BENCH)
    yield
    for name in MODULES:
        sys.modules.pop(name, None)


@pytest.fixture
def paired() -> ModuleType:
    import paired

    return paired


def turns(seed: int, more: float = 0.0, *, neighbour: float = 0.0) -> "list[list[Turn]]":
    """Of a way that costs so much more, as a share; and as often, a neighbour takes a fifth of the machine."""
    from frozen import Turn

    draw = random.Random(seed)

    def turn(speed: float) -> Turn:
        factor = speed * (1 + more) * draw.gauss(1, ROUND) * (1.2 if draw.random() < neighbour else 1)
        latencies_s = [2 * factor * draw.uniform(0.98, 1.02) for _ in range(COMICS)]
        return Turn(latencies_s, [0.19] * COMICS, 4 * factor, 0.2 * (1 + more) * COMICS, 0.0)

    return [[turn(speed) for _ in range(ROUNDS)] for speed in (draw.gauss(1, PROCESS) for _ in range(GENERATIONS))]


def test_the_same_twice_differs_by_nothing_that_matters(paired: Any) -> None:
    low, high = paired.percent_more([turns(1)], turns(2), paired.LATENCIES["p50"])[1:]
    assert -1 < low < 0 < high < 1


@pytest.mark.parametrize(("more", "verdict"), [(0.003, "kept"), (0.01, "not resolved"), (0.02, "MISSED")])
def test_a_verdict_only_where_the_interval_allows_one(paired: Any, more: float, verdict: str) -> None:
    interval = paired.percent_more([turns(1)], turns(2, more), paired.LATENCIES["time/comic"])
    assert interval.low < 100 * more < interval.high
    assert interval.verdict(1.0) == verdict


@pytest.mark.parametrize("neighbour", [0.0, 0.05])
@pytest.mark.parametrize("more", [0.0, 0.01])
def test_an_interval_of_p95_holds_the_truth_as_often_as_it_says(paired: Any, more: float, neighbour: float) -> None:
    """Of nothing and of a cost of 1 %, with and without neighbours, against two processes without telemetry."""
    held = 0
    for seed in range(0, 3 * RUNS, 3):
        first, second = (turns(seed + number, neighbour=neighbour) for number in (0, 1))
        its = turns(seed + 2, more, neighbour=neighbour)
        low, high = paired.percent_more([first, second], its, paired.LATENCIES["p95"])[1:]
        held += low <= 100 * more <= high
    assert held >= COVERED * RUNS


def test_processes_that_differ_are_not_made_certain_by_many_rounds(paired: Any) -> None:
    """Two generations, a hundred rounds each without noise: what is left is between processes."""
    below = [[turn] * 100 for (turn, *_) in turns(1)[:2]]
    above = [[turn] * 100 for (turn, *_) in turns(2)[:2]]
    assert paired.more([below], above, paired.LATENCIES["p50"])[1:] == (-math.inf, math.inf)


def test_slowdowns_do_not_see_how_fast_the_machine_was(paired: Any) -> None:
    """A neighbour lengthens the model's steps as much as all else: what a comic took, over what its own steps did."""

    def slowed(turn: "Turn", factor: float) -> "Turn":
        return turn._replace(
            wall_s=[factor * second for second in turn.wall_s], model_s=[factor * second for second in turn.model_s]
        )

    quiet, (draw, its) = turns(1), (random.Random(5), turns(2, 0.01))
    noisy = [[slowed(turn, draw.uniform(1, 1.5)) for turn in generation] for generation in its]
    for key in ("p50", "p95"):
        among_neighbours, alone = (paired.percent_more([quiet], each, paired.SLOWDOWNS[key]) for each in (noisy, its))
        assert among_neighbours == pytest.approx(alone)
        assert paired.percent_more([quiet], noisy, paired.LATENCIES[key]).low > 2


def test_while_what_was_frozen_catches_up_no_latency_counts(paired: Any) -> None:
    [[turn, *_], *_] = turns(1)
    late = turn._replace(wall_s=[9.0] * paired.CAUGHT_UP + list(turn.wall_s[paired.CAUGHT_UP :]))
    for statistics in (paired.LATENCIES, paired.SLOWDOWNS):
        assert [statistics[key](late) for key in ("p50", "p95")] == [statistics[key](turn) for key in ("p50", "p95")]


def test_cpu_time_beside_the_models_is_exact(paired: Any) -> None:
    each = paired.more([turns(1)], turns(2, 0.01), paired.host_s)
    assert each == pytest.approx((0.002, 0.002, 0.002))


@pytest.mark.parametrize(("x", "a", "b", "expected"), [(0.3, 2, 3, 0.3483), (0.7, 3, 2, 0.6517), (0.25, 1, 1, 0.25)])
def test_the_beta_distribution(x: float, a: float, b: float, expected: float) -> None:
    """Of whole numbers it is a binomial's tail: 0.3483 = P(at least 2 of 4 at 0.3)."""
    from harrell_davis import beta_cdf

    assert beta_cdf(x, a, b) == pytest.approx(expected)


def test_a_quantile_is_a_mean_of_all_values_and_the_median_of_what_is_even_on_both_sides() -> None:
    from harrell_davis import order_weights, quantile

    assert sum(order_weights(20, 0.95)) == pytest.approx(1)
    assert order_weights(20, 0.5) == pytest.approx(order_weights(20, 0.5)[::-1])
    assert quantile([5, 1, 2, 4, 3], 0.5) == pytest.approx(3)
    assert quantile([1.0] * 20, 0.95) == pytest.approx(1)
    assert quantile([*range(1, 10_000)], 0.95) == pytest.approx(9_500, rel=1e-4)


@pytest.mark.parametrize(("count", "rank"), [(5, 0), (6, 1), (7, 3), (10, 9), (20, 53), (25, 90), (50, 435)])
def test_signed_ranks_have_the_critical_values_of_the_tables(count: int, rank: int) -> None:
    """Those of Wilcoxon's test, two-sided at 5 %, are one less."""
    from signed_rank import beyond

    assert beyond(count) == rank


def test_one_second_of_a_neighbour_does_not_move_the_middle() -> None:
    from signed_rank import middle

    quiet = [number / 20 for number in range(21)]
    assert middle(quiet).estimate == pytest.approx(0.5)
    assert middle([*quiet, 20.0]) == pytest.approx(middle(quiet), abs=0.1)


def test_generations_that_are_saved_are_read_again_and_pooled(tmp_path: Path) -> None:
    import saved

    workload = saved.Workload("arithmetic", 200.0, COMICS, {"service": [0], "others": [1]})
    one, other = ({"no telemetry": generation} for generation in turns(1)[:2])
    saved.save(tmp_path / "one", workload, one | {"Weave SDK": turns(3)[0]})
    saved.save(tmp_path / "other", workload, other)
    assert saved.read([tmp_path / "one", tmp_path / "other"]) == (workload, [one, other])
    saved.save(tmp_path / "other", workload._replace(comics=COMICS + 1), other)
    with pytest.raises(ValueError, match="different workloads"):
        saved.read([tmp_path / "other"])
