"""P7, E3: alerts on what is too low, and the end of an alert."""

import random
from collections import Counter
from itertools import pairwise
from typing import Any

from tests.unit.test_alert import Line, calls, rule, update

from spanwand.alert_rule import AlertRule


def low(figure: str, **fields: Any) -> AlertRule:
    return AlertRule.model_validate({"figure": figure, "over_s": 30, **fields})


def test_what_is_too_low_has_its_lines_the_other_way_round() -> None:
    slow = [(n, {"llm/output_tokens_per_s/p50": float(rate)}) for n, rate in enumerate([40, 19, 24, 19, 25, 19])]
    line = Line(low("llm/output_tokens_per_s/p50", below=20, over_s=10, at_least=1, every_s=60))
    assert line.said(slow[:4]) == [1]
    assert line.said([*slow[4:], (6, slow[1][1]), (7, slow[1][1])]) == [7], "over at 25, and said once a minute"
    (alert,) = Line(low("cached_input_rate", below=0.4, over_s=10)).window(
        0, update({"llm/input_tokens": 1_000, "llm/cached_input_tokens": 300})
    )
    assert alert.title == "cached_input_rate below 0.4"
    assert alert.text.endswith("is 0.3 over the 10 s until 2023-11-14T22:13:30+00:00, below 0.4. It is over at 0.5.")


def test_few_calls_are_said_of_runs_that_had_time_for_more() -> None:
    """Of one that has just begun there is little in the sums, however much it sends."""
    line = Line(low("requests_per_hour", below=1_000))
    windows = [(n, update(calls(3)), update(calls(3), "later")) for n in range(9)]
    said = [line.window(n, *both[: 1 + (n > 4)]) for n, *both in windows]
    assert [len(each) for each in said] == [0] * 9
    line = Line(low("requests_per_hour", below=1_100))
    said = [line.window(n, *both[: 1 + (n > 4)]) for n, *both in windows]
    assert [[alert.text.split(":")[0][-5:] for alert in each] for each in said if each] == [["api-1"], ["later"]]
    assert [n for n, each in enumerate(said) if each] == [2, 7]


def test_the_end_of_what_was_said_is_said_if_asked_for() -> None:
    """Once, whatever `every_s`; not of what was not said, and not again after a gap that nobody heard of."""
    errors = [50, 9, 8, 50, 8, 50, 50]
    line = Line(rule(over_s=10, every_s=60, send_resolved=True, level="ERROR"))
    said = {n: alert for n, some in enumerate(errors) for alert in line.window(n, update(calls(100, some)))}
    assert [(n, alert.title, alert.level) for n, alert in said.items()] == [
        (0, "error_rate above 0.1", "ERROR"),
        (2, "resolved: error_rate above 0.1", "INFO"),
        (6, "error_rate above 0.1", "ERROR"),
    ]
    assert said[2].text.endswith("is 0.08 over the 10 s until 2023-11-14T22:13:50+00:00, no longer above 0.1.")
    assert line.said([(9, calls(100, 50)), (11, calls(1)), (12, calls(100, 9)), (13, calls(100))]) == [12]
    assert line.said([(14, calls(100))]) == []


def test_what_is_a_sum_over_time_is_over_when_nothing_more_comes() -> None:
    """And is said again then: each in a window of the run that says nothing of the figure."""
    dropped, other = {"spanwand/dropped/invalid_ids": 1.0}, {"spanwand/spans_received": 1.0}
    line = Line(rule("dropped_spans", above=0, every_s=60, send_resolved=True))
    windows = [dropped if n in (3, 4, 12, 40) else other for n in range(50)]
    assert line.said(enumerate(windows)) == [3, 7, 12, 15, 40, 43]
    line = Line(low("requests_per_hour", below=1_000, clear=1_050, send_resolved=True))
    gpus = {"gpu/0/power_w": 80.0}
    assert line.said((n, gpus if n in (0, 5, 6, 7) else calls(3)) for n in range(12)) == [5, 10]
    line = Line(rule("dropped_spans", above=0, every_s=60, send_resolved=True))
    assert line.said([(0, other), (3, dropped), (40, dropped)]) == [3, 40], "nobody heard of the end"


def test_an_end_follows_a_begin_whatever_happens() -> None:
    """Two begins may: of what ended between them, nobody heard."""
    rng = random.Random(11)
    windows = [(n, calls(rng.randrange(60), rng.randrange(9))) for n in sorted(rng.sample(range(9_000), 3_000))]
    line = Line(rule(every_s=600, send_resolved=True))
    said = [alert.title for n, points in windows for alert in line.window(n, update(points))]
    begin, end = "error_rate above 0.1", "resolved: error_rate above 0.1"
    assert min(Counter(said).values()) > 20
    assert {before for before, after in pairwise([end, *said]) if after == end} == {begin}
