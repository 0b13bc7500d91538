"""P9: whatever calls there are and in whatever order they come, what they take and what is left is what was counted."""

from itertools import pairwise
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanwand.attribution.shares import Interval, Taken
from spanwand.attribution.timeline import Timeline

SECOND_NS = 1_000_000_000


class Call(msgspec.Struct, frozen=True):
    """A call on the device. It waits, or is decided at once; what is decided late finds less."""

    start_ns: int
    end_ns: int
    waits: bool = True


class Waits(msgspec.Struct, frozen=True):
    call: Call


class Decided(msgspec.Struct, frozen=True):
    call: Call


class Elsewhere(msgspec.Struct, frozen=True):
    """The call was reported by another span: it takes nothing."""

    call: Call


class Later(msgspec.Struct, frozen=True):
    """Time goes on: of windows before this one only the sums are kept."""

    before_window_ns: int


Event = Interval | Waits | Decided | Elsewhere | Later
WINDOW_NS = 3 * SECOND_NS
TIMES_NS = st.one_of(st.integers(0, 20).map(lambda halves: halves * SECOND_NS // 2), st.integers(0, 10 * SECOND_NS))
WINDOWS = st.tuples(TIMES_NS, TIMES_NS).map(sorted)
CALLS = st.builds(lambda window, waits: Call(window[0], window[1], waits), WINDOWS, st.booleans())


@st.composite
def intervals(draw: st.DrawFn) -> list[Interval]:
    lengths_ns = st.one_of(st.just(SECOND_NS), st.integers(1, 4 * SECOND_NS))
    made, at_ns = [], 0
    for length_ns, gap_ns in draw(st.lists(st.tuples(lengths_ns, st.sampled_from([0, 0, 0, 777])), max_size=8)):
        joules = draw(st.one_of(st.none(), st.floats(0, 1e6, allow_subnormal=False)))
        window_ns = at_ns - at_ns % WINDOW_NS
        made.append(Interval(start_ns=at_ns, end_ns=at_ns + length_ns, joules=joules, window_ns=window_ns))
        at_ns += length_ns + gap_ns
    return made


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Readings in order, calls in any: each waits, and some time later is decided or found to be another's."""
    queues: list[list[Event]] = [list(draw(intervals()))]
    for call in draw(st.lists(CALLS, max_size=12)):
        queue: list[Event] = [Waits(call)] if call.waits else []
        ends: list[Event] = [Decided(call), Decided(call), Decided(call), Elsewhere(call)]
        queues.append([*queue, draw(st.sampled_from(ends))])
    queues.append([Later(before_ns) for before_ns in sorted(draw(st.lists(TIMES_NS, max_size=3)))])
    history: list[Event] = []
    while any(queues):
        history.append(draw(st.sampled_from([queue for queue in queues if queue])).pop(0))
    return history


def play(history: list[Event]) -> tuple[Timeline, list[Taken], list[Interval]]:
    """As the stage does it: who waits, waits for what is read later too."""
    timeline, waiting = Timeline(), list[Call]()
    taken, added = list[Taken](), list[Interval]()
    for event in history:
        if isinstance(event, Interval):
            for call in waiting:
                event.wait(call.start_ns, call.end_ns, 1)
            timeline.add(event)
            added.append(event)
        elif isinstance(event, Later):
            timeline.merge(event.before_window_ns)
        elif isinstance(event, Waits):
            timeline.wait(event.call.start_ns, event.call.end_ns, 1)
            waiting.append(event.call)
        else:
            if event.call.waits:
                waiting.remove(event.call)
                timeline.wait(event.call.start_ns, event.call.end_ns, -1)
            if isinstance(event, Decided):
                taken.append(Taken())
                timeline.take(event.call.start_ns, event.call.end_ns, taken[-1])
    return timeline, taken, added


@settings(deadline=None)
@given(histories())
def test_shares_and_what_is_left_are_the_growth_of_the_counter(history: list[Event]) -> None:
    timeline, taken, added = play(history)
    rest = timeline.let_go(1 << 62)
    length_s = sum((interval.end_ns - interval.start_ns) / 1e9 for interval in added)
    left_s = sum(interval.left_s for interval in rest)
    assert sum(share.seconds for share in taken) + left_s == pytest.approx(length_s, abs=1e-9)
    joules = sum(interval.joules or 0.0 for interval in added)
    left_j = sum(interval.joules_of(interval.left_s) or 0.0 for interval in rest)
    assert sum(share.joules or 0.0 for share in taken) + left_j == pytest.approx(joules, abs=1e-6)
    for interval in rest:
        assert all(0 <= left <= 1 for left in interval.left)
        assert set(interval.waiting) == {0}
    for share in taken:
        assert share.seconds >= 0
        assert share.joules is None or share.joules >= 0
        assert share.seconds <= share.covered_s + 1e-9
        assert share.certain_s <= share.seconds + 1e-9


@settings(deadline=None)
@given(intervals(), WINDOWS)
def test_one_alone_gets_all_of_its_time(readings: list[Interval], window: list[int]) -> None:
    start_ns, end_ns = window
    _, [share], added = play([*readings, Decided(Call(start_ns, end_ns, waits=False))])
    within = [(i, max(0, min(end_ns, i.end_ns) - max(start_ns, i.start_ns)) / 1e9) for i in added]
    assert share.seconds == pytest.approx(sum(part_s for _, part_s in within), abs=1e-9)
    joules = sum(i.joules * part_s / ((i.end_ns - i.start_ns) / 1e9) for i, part_s in within if i.joules is not None)
    assert (share.joules or 0.0) == pytest.approx(joules, abs=1e-6)


@settings(deadline=None)
@given(intervals(), st.lists(CALLS, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_those_who_all_wait_share_alike_in_any_order(
    readings: list[Interval], calls: list[Call], random: Random
) -> None:
    """Whoever is decided first has no more of it: half of what two were there for is each one's."""
    calls = [Call(call.start_ns, call.end_ns + number) for number, call in enumerate(calls)]
    shuffled = random.sample(calls, len(calls))
    joules = []
    for order in (calls, shuffled):
        copies = [Interval(i.start_ns, i.end_ns, i.joules) for i in readings]
        _, taken, _ = play([*map(Waits, calls), *copies, *map(Decided, order)])
        joules.append({call: (share.seconds, share.joules or 0.0) for call, share in zip(order, taken, strict=True)})
    for call in calls:
        assert joules[0][call] == pytest.approx(joules[1][call], abs=1e-6)


@settings(deadline=None)
@given(intervals(), WINDOWS)
def test_one_alone_gets_all_of_its_time_however_late_it_comes(readings: list[Interval], window: list[int]) -> None:
    """P9. Seconds always; energy but for that of windows in which it began or ended, which is known as a sum."""
    start_ns, end_ns = window
    _, [share], added = play([*readings, Later(1 << 62), Decided(Call(start_ns, end_ns, waits=False))])
    within = [(i, max(0, min(end_ns, i.end_ns) - max(start_ns, i.start_ns))) for i in added]
    assert share.seconds == pytest.approx(sum(part_ns for _, part_ns in within) / 1e9, abs=1e-9)
    windows: dict[int, list[tuple[Interval, int]]] = {}
    for interval, part_ns in within:
        windows.setdefault(interval.window_ns, []).append((interval, part_ns))
    least_j, most_j = 0.0, 0.0
    for some in windows.values():
        if any(part_ns for _, part_ns in some):
            joules = sum(interval.joules or 0.0 for interval, _ in some)
            least_j += joules if all(part_ns == i.end_ns - i.start_ns for i, part_ns in some) else 0.0
            most_j += joules
    assert least_j - 1e-6 <= (share.joules or 0.0) <= most_j + 1e-6


def test_who_comes_late_takes_what_is_left() -> None:
    """P9. Two are known and share; the third, whom nobody knew of, finds only the second of its own."""
    first, second, late = Call(0, 2 * SECOND_NS), Call(0, 2 * SECOND_NS), Call(0, 3 * SECOND_NS, waits=False)
    readings = [Interval(second_ns, second_ns + SECOND_NS, 100.0) for second_ns in range(0, 4 * SECOND_NS, SECOND_NS)]
    history: list[Event] = [Waits(first), Waits(second), *readings, Decided(first), Decided(second), Decided(late)]
    _, taken, added = play(history)
    assert [(share.seconds, share.joules, share.certain_s) for share in taken] == [
        (1, 100, 0),
        (1, 100, 0),
        (1, 100, 1),
    ]
    assert [interval.left_s for interval in added] == [0, 0, 0, 1]


def test_who_waited_where_nothing_was_read_leaves_nothing_behind() -> None:
    """R22: readings on both sides of a gap become one interval; nobody is known to wait for the gap."""
    call, gap_ns = Call(0, 2 * SECOND_NS), 777
    readings = [Interval(start_ns, start_ns + SECOND_NS, 100.0) for start_ns in (0, SECOND_NS + gap_ns)]
    timeline, [share], _ = play([*readings, Waits(call), Later(1 << 62), Decided(call)])
    [whole] = timeline.let_go(1 << 62)
    assert share.seconds == pytest.approx((2 * SECOND_NS - gap_ns) / 1e9)
    assert set(whole.waiting) == {0}


def test_many_short_calls_between_two_readings_stay_few_pieces() -> None:
    """Bounded memory; sums stay exact."""
    interval = Interval(0, SECOND_NS, 1_000.0)
    timeline = Timeline()
    timeline.add(interval)
    shares = [Taken() for _ in range(500)]
    for number, share in enumerate(shares):
        timeline.take(number * 2_000_000, number * 2_000_000 + 1_000_000, share)
    assert len(interval.ends) <= 65
    assert sum(share.seconds for share in shares) + interval.left_s == pytest.approx(1)
    assert sum(share.seconds for share in shares[:10]) == pytest.approx(0.01)


def test_each_of_many_calls_at_the_same_time_costs_little() -> None:
    """R22: a call that comes, or goes, does not go through the pieces of all others each time."""
    interval, calls = Interval(0, SECOND_NS, 1_000.0), [Call(number, SECOND_NS - number) for number in range(2_000)]
    merged = 0
    for call in calls:
        interval.wait(call.start_ns, call.end_ns, 1)
        merged += not interval.changes
    assert len(interval.ends) == 2 * len(calls) - 1
    assert merged < 20
    seconds = 0.0
    for call in calls:
        interval.wait(call.start_ns, call.end_ns, -1)
        seconds += interval.take(call.start_ns, call.end_ns)
        merged += not interval.changes
    assert merged < 100
    assert seconds + interval.left_s == pytest.approx(1)
    assert len(interval.ends) < 10


@pytest.mark.parametrize("number", [30, 40, 100, 300])
def test_of_many_that_wait_each_takes_of_its_own_time_alone(number: int) -> None:
    """However many pieces they cut an interval into: each one's part is that of those who were there."""
    random = Random(number)
    spans = [sorted(random.sample(range(SECOND_NS), 2)) for _ in range(number)]
    cuts = sorted({0, SECOND_NS, *(cut for span in spans for cut in span)})
    pieces = [(a, b, sum(start <= a and b <= end for start, end in spans)) for a, b in pairwise(cuts)]
    calls = [Call(start_ns, end_ns) for start_ns, end_ns in spans]
    _, taken, _ = play([*map(Waits, calls), Interval(0, SECOND_NS), *map(Decided, calls)])
    for call, share in zip(calls, taken, strict=True):
        parts = [(b - a) / there for a, b, there in pieces if call.start_ns <= a and b <= call.end_ns]
        assert share.seconds == pytest.approx(sum(parts) / 1e9, rel=1e-9)
