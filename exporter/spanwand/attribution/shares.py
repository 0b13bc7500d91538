"""The time and energy of one GPU, and how the calls that were on it divide them: `docs/what-did-this-image-cost.md`.

The growth of a counter between two readings is spread evenly over the time between them. That time is cut where calls
begin and end; of each piece is known which part of it is left, and how many calls wait for one. Who is decided takes
`left / (others that wait + 1)`. So calls that are all known share evenly whatever their order, one that comes late
finds what is left, nobody takes what another one has, and what is left in the end nobody was there to take.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from itertools import accumulate, pairwise

import msgspec

_MOST_PIECES = 64
"""Of an interval, which are merged beyond it where that changes no sum. Calls that wait may need more."""


class Interval(msgspec.Struct):
    """From one reading of a device to the next: mutable, for what is left of it. None is not known.

    `ends`, `left` and `steps` describe its pieces, in order: where each ends, which part of it nobody has taken, and
    how many more calls wait for it than for the piece before. So a call that comes changes two numbers, however many
    pieces lie between them.
    """

    start_ns: int
    end_ns: int
    joules: float | None = None
    is_counted: bool = True
    """By a counter of the device, which is nobody else's."""
    utilization: float | None = None
    memory_used_bytes: float | None = None
    memory_peak_bytes: int | None = None
    window_ns: int = 0
    """Start of the window of journal time in which it came."""
    ends: list[int] = msgspec.field(default_factory=list)
    left: list[float] = msgspec.field(default_factory=list)
    steps: list[int] = msgspec.field(default_factory=list)
    changes: int = 0
    """Since pieces were merged. While calls wait that is done once for as many as there are pieces."""

    def __post_init__(self) -> None:
        self.ends, self.left, self.steps = [self.end_ns], [1.0], [0]

    @property
    def left_s(self) -> float:
        """Seconds of it that nobody has taken."""
        lengths_ns = self._lengths_ns(range(len(self.ends)))
        return sum([length_ns * left for length_ns, left in zip(lengths_ns, self.left, strict=True)]) / 1e9

    @property
    def waiting(self) -> list[int]:
        """How many calls wait for each piece. More may go than came, where nothing was read or the clock set back."""
        return [max(calls, 0) for calls in accumulate(self.steps)]

    def joules_of(self, seconds: float) -> float | None:
        """The energy of so many of its seconds."""
        return None if self.joules is None else self.joules * (seconds / ((self.end_ns - self.start_ns) / 1e9))

    def wait(self, start_ns: int, end_ns: int, calls: int) -> None:
        """So many calls more (or less, if negative) wait for a part of the time from start to end."""
        pieces = self._pieces(start_ns, end_ns)
        if pieces:
            self.steps[pieces.start] += calls
            if pieces.stop < len(self.steps):
                self.steps[pieces.stop] -= calls
            if calls > 0:  # who waits no more may take now: its time must stay as it was cut
                self._changed()

    def take(self, start_ns: int, end_ns: int) -> float:
        """Take the part that one call, which does not wait any more, has in this time; returns its seconds."""
        pieces = self._pieces(start_ns, end_ns)
        some = slice(pieces.start, pieces.stop)
        left, waiting, lengths_ns = self.left[some], self.waiting[some], self._lengths_ns(pieces)
        parts = [part / (calls + 1) for part, calls in zip(left, waiting, strict=True)]
        self.left[some] = [part - taken for part, taken in zip(left, parts, strict=True)]
        self._changed()
        return sum([length_ns * part for length_ns, part in zip(lengths_ns, parts, strict=True)]) / 1e9

    def join(self, intervals: Iterable["Interval"]) -> None:
        """Have the pieces of some intervals, in order, which fill it but for gaps; nothing is left of these."""
        self.ends, self.left, waiting = [], [], list[int]()
        for interval in intervals:
            if interval.start_ns > (self.ends[-1] if self.ends else self.start_ns):
                self.ends.append(interval.start_ns)
                self.left.append(0.0)
                waiting.append(0)
            self.ends += interval.ends
            self.left += interval.left
            waiting += interval.waiting
        self.steps = [now - before for before, now in pairwise((0, *waiting))]
        self._merge()

    def _lengths_ns(self, pieces: range) -> list[int]:
        begun_ns = self.ends[pieces.start - 1] if pieces.start else self.start_ns
        return [end - start for start, end in pairwise((begun_ns, *self.ends[pieces.start : pieces.stop]))]

    def _pieces(self, start_ns: int, end_ns: int) -> range:
        """The pieces that fill the time from start to end, which are cut there if need be."""
        start_ns, end_ns = max(start_ns, self.start_ns), min(end_ns, self.end_ns)
        if start_ns >= end_ns:
            return range(0)
        self._cut(start_ns)
        self._cut(end_ns)
        return range(bisect_right(self.ends, start_ns), bisect_left(self.ends, end_ns) + 1)

    def _cut(self, at_ns: int) -> None:
        piece = bisect_left(self.ends, at_ns)
        if at_ns > self.start_ns and self.ends[piece] != at_ns:
            self.ends.insert(piece, at_ns)
            self.left.insert(piece, self.left[piece])
            self.steps.insert(piece + 1, 0)

    def _changed(self) -> None:
        self.changes += 1
        if len(self.ends) > 1 and (self.changes >= len(self.ends) or not any(self.steps)):
            self._merge()

    def _merge(self) -> None:
        """Make one of neighbours that do not differ; if there are too many pieces, of those with as many that wait."""
        self.changes = 0
        is_crowded = len(self.ends) > _MOST_PIECES
        lengths_ns = self._lengths_ns(range(len(self.ends)))
        merged: list[tuple[int, float, int, int]] = []
        for end_ns, left, step, length_ns in zip(self.ends, self.left, self.steps, lengths_ns, strict=True):
            _, left_before, step_before, length_before_ns = merged[-1] if merged else (0, -1.0, 0, 0)
            if merged and not step and (is_crowded or left == left_before):
                both_ns = length_before_ns + length_ns
                if left != left_before:
                    left = (left_before * length_before_ns + left * length_ns) / both_ns
                merged[-1] = end_ns, left, step_before, both_ns
            else:
                merged.append((end_ns, left, step, length_ns))
        self.ends = [piece[0] for piece in merged]
        self.left = [piece[1] for piece in merged]
        self.steps = [piece[2] for piece in merged]


class Taken(msgspec.Struct):
    """What one call takes, of one device or more: mutable, added up interval by interval."""

    seconds: float = 0.0
    joules: float | None = None
    covered_s: float = 0.0
    """Of its time, how much lies between readings."""
    certain_s: float = 0.0
    """Of that, intervals which it had for itself from end to end: their growth is its own, by the counter."""
    busy_s: float = 0.0
    utilization_s: float = 0.0
    """Time for which utilisation is known, and how much of it the device was busy; with memory likewise."""
    memory_byte_s: float = 0.0
    memory_s: float = 0.0
    memory_peak_bytes: int | None = None

    def include(self, other: "Taken") -> None:
        """Add what the same call took of another device."""
        for name in ("seconds", "covered_s", "certain_s", "busy_s", "utilization_s", "memory_byte_s", "memory_s"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        if other.joules is not None:
            self.joules = (self.joules or 0.0) + other.joules
        if other.memory_peak_bytes is not None:
            self.memory_peak_bytes = max(self.memory_peak_bytes or 0, other.memory_peak_bytes)

    def add(self, interval: Interval, start_ns: int, end_ns: int) -> None:
        """Take the part of a call that was on the device from start to end."""
        seconds = interval.take(start_ns, end_ns)
        here_s = (min(end_ns, interval.end_ns) - max(start_ns, interval.start_ns)) / 1e9
        joules = interval.joules_of(seconds)
        self.seconds += seconds
        self.covered_s += here_s
        if joules is not None:
            self.joules = (self.joules or 0.0) + joules
        if interval.is_counted and seconds == (interval.end_ns - interval.start_ns) / 1e9:
            self.certain_s += seconds
        if interval.utilization is not None:
            self.utilization_s += here_s
            self.busy_s += here_s * interval.utilization
        if interval.memory_used_bytes is not None:
            self.memory_s += here_s
            self.memory_byte_s += here_s * interval.memory_used_bytes
        if interval.memory_peak_bytes is not None:
            self.memory_peak_bytes = max(self.memory_peak_bytes or 0, interval.memory_peak_bytes)
