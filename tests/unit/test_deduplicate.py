"""R20, P2: a span counts once within the window; what is remembered is bounded, and going over a bound is counted."""

from collections.abc import Iterable

import pytest

from spanwand.config import DeduplicateConfig
from spanwand.deduplicate import Deduplicate
from spanwand.drops import DropReason, Drops
from spanwand.span import Span, SpanResource

RESOURCE = SpanResource({})
NS = 1_000_000_000


class Line:
    """The stage with windows of ten seconds, of a hundred bytes of journal each."""

    def __init__(self, horizon_s: float = 0.0, **config: int) -> None:
        self.drops = Drops()
        self.stage = Deduplicate(DeduplicateConfig(**config), horizon_s, self.drops)

    def at(self, second: int, spans: Iterable[int], trace: int = 1) -> list[int]:
        """Numbers of the spans that are passed on in the window that begins at `second`."""
        self.stage.open_window(second * 10, second * NS)
        return self.take(spans, trace)

    def take(self, spans: Iterable[int], trace: int = 1) -> list[int]:
        made = [span(trace, number) for number in spans]
        return [int.from_bytes(one.span_id, "big") for one in self.stage(made)]


def span(trace: int, number: int) -> Span:
    return Span(trace_id=trace.to_bytes(16, "big"), span_id=number.to_bytes(8, "big"), attributes={}, resource=RESOURCE)


def test_a_repeat_in_the_same_request_the_same_window_and_a_later_one() -> None:
    line = Line()
    assert line.at(0, [1, 2, 1]) == [1, 2]
    assert line.take([2, 3]) == [3]
    assert line.at(10, [1, 2, 3, 4]) == [4]
    assert line.drops == {DropReason.DUPLICATE: 5}


def test_both_ids_count() -> None:
    line = Line()
    assert line.at(0, [1], trace=1) == [1]
    assert line.take([1], trace=2) == [1]


@pytest.mark.parametrize(("later_s", "counted"), [(290, []), (300, []), (310, [1]), (1_000, [1])])
def test_the_window(later_s: int, counted: list[int]) -> None:
    line = Line(window_s=300)
    line.at(0, [1])
    assert line.at(later_s, [1]) == counted


def test_a_repeat_is_remembered_anew() -> None:
    """So that it does not matter how far back a replay begins."""
    line = Line(window_s=300)
    assert [line.at(second, [1]) for second in (0, 200, 400, 600)] == [[1], [], [], []]


def test_the_oldest_windows_go_when_there_are_too_many_spans() -> None:
    line = Line(max_spans=4)
    line.at(0, [1, 2])
    line.at(10, [3, 4])
    line.at(20, [5])
    assert line.take([3, 4, 5, 1, 2]) == [1, 2]
    assert line.drops[DropReason.FORGOTTEN_EARLY] == 3


def test_one_window_with_too_many_spans_forgets_its_latest() -> None:
    line = Line(max_spans=3)
    assert line.at(0, range(1, 6)) == [1, 2, 3, 4, 5]
    assert line.drops == {DropReason.FORGOTTEN_EARLY: 2}
    assert line.take(range(1, 6)) == [4, 5]


def test_a_bound_on_the_journal_that_is_kept() -> None:
    line = Line(max_journal_bytes=200)
    line.at(0, [1])
    assert line.at(20, [1]) == []
    assert line.stage.low == 0
    assert line.at(50, [2]) == [2]
    line.stage.rows_handed_over(50 * NS)
    assert line.stage.low == 500
    assert line.take([1]) == [1]
    assert line.drops[DropReason.FORGOTTEN_EARLY] == 1


def test_low_keeps_what_the_spans_of_the_horizon_were_judged_by() -> None:
    line = Line(horizon_s=30, window_s=20)
    line.at(0, [1])
    for second, low in ((10, 0), (20, 0), (40, 0), (49, 0), (50, None)):
        line.at(second, [])
        line.stage.rows_handed_over(second * NS)
        assert line.stage.low == low


def test_low_keeps_it_over_a_pause() -> None:
    """Nothing came, so nothing was forgotten: what is open is still open."""
    line = Line(horizon_s=30, window_s=20)
    line.at(0, [1])
    line.at(10, [1])
    line.at(1_000, [])
    line.stage.rows_handed_over(10 * NS)
    assert line.stage.low == 0
    line.stage.rows_handed_over(1_000 * NS)
    assert line.stage.low is None


def test_a_drain_needs_no_horizon() -> None:
    line = Line(horizon_s=100, window_s=20)
    line.at(0, [1])
    line.at(10, [1])
    line.at(40, [2])
    assert line.stage.low == 0
    line.stage.drain()
    assert line.stage.low == 400
    assert line.at(50, [2]) == []


def test_what_there_is_no_room_for_goes_and_is_counted() -> None:
    line = Line(horizon_s=100)
    line.at(0, [1])
    line.at(10, [2])
    for second, before, low, counted in ((20, 50, 100, [1]), (30, 1_000, None, [1, 2])):
        line.stage.drain()
        line.stage.forget(before)
        assert line.stage.low == low
        assert line.at(second, [1, 2]) == counted
    assert line.drops[DropReason.FORGOTTEN_EARLY] == 3


def test_off() -> None:
    line = Line(window_s=0)
    assert line.at(0, [1, 1]) == [1, 1]
    assert line.stage.low is None


def test_nothing_but_ids_of_the_window_stays() -> None:
    line = Line(window_s=300)
    for second in range(0, 5_000, 10):
        line.at(second, range(second, second + 100), trace=second + 1)
    assert len(line.stage._recent) == 31 * 100
