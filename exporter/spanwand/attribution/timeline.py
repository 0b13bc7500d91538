"""The time of one GPU that can still be divided: interval by interval at first, later by the windows they came in.

So a call of hours finds what nobody has taken of its time, at the price of a few hundred intervals.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from spanwand.attribution.shares import Interval, Taken


def as_one(intervals: Sequence[Interval]) -> Interval:
    """One interval instead of some: what is left of them is left of it, its energy spread evenly over that time."""
    first, last = intervals[0], intervals[-1]
    left_s, length_s = sum([one.left_s for one in intervals]), (last.end_ns - first.start_ns) / 1e9
    left_j = [joules for one in intervals if one.left_s and (joules := one.joules_of(one.left_s)) is not None]
    whole = Interval(
        start_ns=first.start_ns,
        end_ns=last.end_ns,
        joules=(sum(left_j) * (length_s / left_s) if left_s else 0.0) if left_j else None,
        is_counted=all(one.is_counted for one in intervals),
        utilization=_mean((one, one.utilization) for one in intervals),
        memory_used_bytes=_mean((one, one.memory_used_bytes) for one in intervals),
        memory_peak_bytes=max((one.memory_peak_bytes for one in intervals if one.memory_peak_bytes), default=None),
        window_ns=first.window_ns,
    )
    whole.join(intervals)
    return whole


def _mean(known: Iterable[tuple[Interval, float | None]]) -> float | None:
    """Weighted by time; of those for which it is known."""
    weighed = [(one.end_ns - one.start_ns, value) for one, value in known if value is not None]
    return sum([ns * value for ns, value in weighed]) / sum([ns for ns, _ in weighed]) if weighed else None


class Timeline:
    """The intervals of one device, in order. The first `_merged` of them stand for a window each."""

    def __init__(self) -> None:
        self._intervals: list[Interval] = []
        self._merged = 0

    def __len__(self) -> int:
        return len(self._intervals)

    @property
    def end_ns(self) -> int:
        """Time of the last reading; 0 without any."""
        return self._intervals[-1].end_ns if self._intervals else 0

    def add(self, interval: Interval) -> None:
        """Add an interval that begins where the last one ended, or later."""
        self._intervals.append(interval)

    def wait(self, start_ns: int, end_ns: int, calls: int) -> None:
        """See `Interval.wait`."""
        for interval in self._within(start_ns, end_ns):
            interval.wait(start_ns, end_ns, calls)

    def take(self, start_ns: int, end_ns: int, taken: Taken) -> None:
        """Take the part of a call that was on the device from start to end."""
        for interval in self._within(start_ns, end_ns):
            taken.add(interval, start_ns, end_ns)

    def let_go(self, before_window_ns: int) -> list[Interval]:
        """Let go of what came before a window."""
        number = self._first_of(before_window_ns)
        gone, self._intervals = self._intervals[:number], self._intervals[number:]
        self._merged = max(self._merged - number, 0)
        return gone

    def merge(self, before_window_ns: int) -> None:
        """Make one interval of all that came in one window, of windows before that one."""
        number = self._first_of(before_window_ns)
        windows = groupby(self._intervals[self._merged : number], key=lambda interval: interval.window_ns)
        merged = [as_one(list(intervals)) for _, intervals in windows]
        self._intervals[self._merged : number] = merged
        self._merged += len(merged)

    def _first_of(self, window_ns: int) -> int:
        return bisect_left(self._intervals, window_ns, key=lambda interval: interval.window_ns)

    def _within(self, start_ns: int, end_ns: int) -> Iterator[Interval]:
        first = bisect_right(self._intervals, start_ns, key=lambda interval: interval.end_ns)
        for index in range(first, len(self._intervals)):
            if self._intervals[index].start_ns >= end_ns:
                return
            yield self._intervals[index]
