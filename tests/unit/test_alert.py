"""P7, E3: alerts are a function of the windows of late: with hysteresis, a rate limit, and in journal time."""

import random
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

import pytest
from pydantic import ValidationError

from spanwand.alert import Alerts
from spanwand.alert_rule import FIGURES, AlertRule
from spanwand.batch import Alert, RunKey, RunUpdate
from spanwand.drops import DropReason
from spanwand.metrics import metric_of

WINDOW_S = 10
WINDOW_NS = WINDOW_S * 1_000_000_000
START = 1_700_000_000_000_000_000 // WINDOW_NS
Points = Mapping[str, float]


def run(name: str = "api-1") -> RunKey:
    return RunKey(group="studio@prod", job_type="api", name=name)


def update(points: Points, name: str = "api-1") -> RunUpdate:
    return RunUpdate(run=run(name), config={}, points=dict(points), rows={})


def rule(figure: str = "error_rate", **fields: Any) -> AlertRule:
    return AlertRule.model_validate({"figure": figure, "above": 0.1, "over_s": 30, **fields})


class Line:
    """Feeds windows to the stage."""

    def __init__(self, *rules: AlertRule) -> None:
        self._alerts = Alerts(rules, WINDOW_S)

    def window(self, number: int, *updates: RunUpdate) -> list[Alert]:
        """What is said in one window."""
        said = self._alerts(updates, (START + number) * WINDOW_NS)
        return [alert for each in said for alert in each.alerts]

    def said(self, windows: Iterable[tuple[int, Points]]) -> list[int]:
        """The windows of one run in which something is said."""
        return [number for number, points in windows if self.window(number, update(points))]


def calls(requests: int, errors: int = 0) -> Points:
    return {"llm/requests": requests, "llm/errors": errors}


def test_a_share_of_the_windows_of_late() -> None:
    """No window by itself decides; image calls count with the others."""
    line = Line(rule())
    images: Points = {"diffusion/requests": 50, "diffusion/errors": 5}
    for number, points in enumerate([calls(50), calls(50, 7), images]):
        assert line.window(number, update(points)) == []
    (alert,) = line.window(3, update(calls(50, 4)))
    assert alert == Alert(
        title="error_rate above 0.1",
        text="studio@prod, api-1: error_rate is 0.1067 over the 30 s until 2023-11-14T22:14:00+00:00, above 0.1. "
        "It is over at 0.08.",
        level="WARN",
        figure="error_rate",
        value=16 / 150,
    )


def test_an_alert_is_said_once_until_it_is_over() -> None:
    """Hysteresis: between the limits nothing changes, either way."""
    line = Line(rule(over_s=10, every_s=60))
    assert line.said((n, calls(100, errors)) for n, errors in enumerate([11, 12, 9, 11, 50, 9, 11])) == [0]
    assert line.said((n, calls(100, errors)) for n, errors in enumerate([8, 9, 10, 11, 12], 7)) == [10]
    assert Line(rule(over_s=10, clear=0.02)).said(
        (n, calls(100, errors)) for n, errors in enumerate([11, 3, 11, *[3] * 400, 11])
    ) == [0]


def test_an_alert_that_came_too_soon_is_said_when_it_may_be() -> None:
    """One an hour by default; what is over by then is not said."""
    bad, good = calls(100, 50), calls(100)
    line = Line(rule(over_s=10))
    assert line.said([(0, bad), (1, good), (2, bad), (3, good)]) == [0]
    assert line.said((n, bad) for n in range(100, 500)) == [360]


def test_rules_and_runs_are_judged_by_themselves() -> None:
    line = Line(rule(over_s=10, level="WARN"), rule(over_s=10, above=0.5, level="ERROR"))
    said = [
        line.window(n, update(calls(100, 20), "one"), update(calls(100, errors), "two"))
        for n, errors in enumerate([0, 60, 60])
    ]
    assert [[(alert.level, alert.text.split(": ")[0][-3:]) for alert in each] for each in said] == [
        [("WARN", "one")],
        [("WARN", "two"), ("ERROR", "two")],
        [],
    ]


def test_a_rate_needs_calls_and_a_median_needs_windows() -> None:
    few = [(n, calls(4, 4)) for n in range(50)]
    assert Line(rule()).said(few) == []
    assert Line(rule(at_least=12)).said(few) == [2]
    slow = [(0, {"llm/latency_s/p95": 9.0}), (2, {"llm/latency_s/p95": 9.0}), (3, {"llm/latency_s/p95": 9.0})]
    assert Line(rule("llm/latency_s/p95", above=5)).said(slow) == []
    assert Line(rule("llm/latency_s/p95", above=5, over_s=40)).said(slow) == [3]


def test_one_slow_window_does_not_move_the_median() -> None:
    latencies = [1, 1, 30, 1, 1, 1, 30, 30, 30, 1]
    points = [(n, {"request/latency_s/p95": float(p95)}) for n, p95 in enumerate(latencies)]
    assert Line(rule("request/latency_s/p95", above=5, over_s=50)).said(points) == [8]


def test_cost_is_by_the_hour_of_what_the_time_really_cost() -> None:
    """A dear call is no rate: quiet windows count too. Unknown costs are in none of it (P5)."""
    costs: list[tuple[int, Points]] = [
        (0, {"llm/cost_usd": 0.5}),
        (3, {"llm/requests": 1}),
        (9, {"llm/cost_usd": 0.4, "diffusion/cost_usd": 0.2}),
    ]
    assert Line(rule("cost_usd_per_hour", above=35, over_s=100)).said(costs) == [9]
    assert Line(rule("cost_usd_per_hour", above=40, over_s=100)).said(costs) == []
    assert Line(rule("cost_usd_per_hour", above=35, over_s=90)).said(costs) == []


def test_calls_without_a_price() -> None:
    """P5: tries that were made again cost too."""
    points = {"llm/requests": 10, "llm/retries": 10, "llm/unpriced": 3}
    assert Line(rule("unpriced_rate", over_s=10, above=0.15)).said([(0, points)]) == []
    assert Line(rule("unpriced_rate", over_s=10, above=0.14)).said([(0, points)]) == [0]


def test_quiet_windows_end_what_they_would_have_ended() -> None:
    """Windows without the figure are not looked at when they pass, but when it comes again."""
    dropped: Points = {"spanwand/dropped/invalid_ids": 1}
    line = Line(rule("dropped_spans", above=0, every_s=60))
    assert line.said([(0, {"spanwand/spans_received": 1}), (2, dropped), (4, dropped), (6, dropped)]) == [2]
    assert line.said([(10, dropped), (400, dropped), (401, dropped)]) == [10, 400]


def test_a_start_waits_for_as_much_as_a_rule_looks_at() -> None:
    """So what a replay makes of its first windows, of which it lacks the ones before, is not said."""
    line = Line(rule(over_s=30, at_least=1))
    assert line.said([(0, calls(1, 1)), (1, calls(1, 1)), (2, calls(50)), (3, calls(0))]) == []
    assert Line(rule(over_s=30, at_least=1)).said((n, calls(1, 1)) for n in range(5)) == [2]


def test_what_was_dropped_by_default() -> None:
    """Rows, images and repeats are not spans: no alert."""
    lost = FIGURES["dropped_spans"].of
    for reason in DropReason:
        points = {f"spanwand/dropped/{reason}": 3.0}
        assert Line(rule("dropped_spans", above=0, over_s=10)).said([(0, points)]) == [0] * (next(iter(points)) in lost)


def test_the_same_windows_say_the_same() -> None:
    """Whatever they are, and never more often than once in `every_s`."""
    rng = random.Random(7)
    windows = [(n, calls(rng.randrange(60), rng.randrange(9))) for n in sorted(rng.sample(range(9_000), 3_000))]
    said = Line(rule(every_s=60)).said(windows)
    assert said == Line(rule(every_s=60)).said(windows)
    assert len(said) > 10
    assert min(later - earlier for earlier, later in pairwise(said)) >= 6


def test_runs_of_which_nothing_is_heard_are_forgotten() -> None:
    """R25."""
    alerts = Alerts([rule(every_s=3_600)], WINDOW_S)
    for number in range(1_000):
        alerts((update(calls(9), f"run {number}"),), (START + number) * WINDOW_NS)
    assert alerts.runs == 360


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"figure": "llm/latency"}, "neither one of"),
        ({"figure": "llm/requests"}, "neither one of"),
        ({"above": -1}, "greater"),
        ({"clear": 0.2}, "clear is above"),
        ({"every_s": 10}, "60"),
        ({"over_s": 0}, "greater"),
        ({"level": "FATAL"}, "WARN"),
        ({"below": 1}, "one of above and below"),
        ({"above": None}, "one of above and below"),
        ({"above": None, "below": 0}, "greater"),
        ({"above": None, "below": 2, "clear": 1}, "clear is below"),
        ({"over": 1}, "Extra"),
    ],
)
def test_rules_that_cannot_work_are_refused(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        rule(**fields)


def test_a_title_is_short_enough_for_wandb() -> None:
    """`run.alert` takes less than 64 characters."""
    long = rule(f"llm/by_model/{'m' * 64}/latency_s/p95", at_least=1, over_s=10)
    (alert,) = Line(long).window(0, update({long.figure: 9.0}))
    assert len(alert.title) < 64


def test_every_figure_is_of_metrics() -> None:
    for figure in FIGURES.values():
        by = figure.per if isinstance(figure.per, tuple) else ()
        assert all(metric_of(name) for name in (*figure.of, *by))
