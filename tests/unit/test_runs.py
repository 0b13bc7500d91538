"""R25: so many runs at once, not for life: what is not asked for any more gives its place back."""

from spanwand.config import AggregateConfig, LineConfig, WandbConfig
from spanwand.record import Service
from spanwand.runs import Home, Run, Runs

IDLE_S = 100
NS = 1_000_000_000


def runs(max_runs: int = 2) -> Runs:
    aggregate = AggregateConfig(max_runs=max_runs, window_s=1, rows_interval_s=1)
    return Runs(LineConfig(aggregate=aggregate, wandb=WandbConfig(run_idle_s=IDLE_S)))


def home(number: int) -> Home:
    return Service(name="s", instance=str(number)), "", ""


def names(some: Runs, *numbers: int) -> list[str]:
    return [some.of(home(number)).key.name for number in numbers]


def at(some: Runs, second: int) -> Runs:
    some.open_window(second * NS)
    return some


def test_a_run_that_is_not_asked_for_gives_its_place_to_another() -> None:
    some = at(runs(), 1_000)
    assert names(some, 1, 2, 3) == ["1", "2", "other"]
    assert names(at(some, 1_050), 3) == ["other"]
    assert names(at(some, 1_150), 2, 3) == ["2", "other"]
    assert names(at(some, 1_250), 3, 1, 2) == ["3", "other", "2"]


def test_a_run_that_is_asked_for_stays_the_same() -> None:
    """Its models keep their names, so a batch has it once."""
    some = at(runs(), 1_000)
    first: Run = some.of(home(1))
    assert all(at(some, 1_000 + step * 60).of(home(1)) is first for step in range(1, 20))


def test_after_a_long_pause_all_are_forgotten() -> None:
    some = at(runs(), 1_000)
    assert names(some, 1, 2) == ["1", "2"]
    assert names(at(some, 9_000), 3, 4, 1) == ["3", "4", "other"]


def test_homes_that_share_a_key_share_a_run_over_the_change_of_periods() -> None:
    """A batch may update a run once."""
    some = at(runs(), 1_000)
    old = some.of((Service(name="s", instance="1", version="1"), "", ""))
    new = at(some, 1_100).of((Service(name="s", instance="1", version="2"), "", ""))
    assert new is old
