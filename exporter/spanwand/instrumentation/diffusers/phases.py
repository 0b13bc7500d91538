"""When the phases of one call ran: text encoding, the denoising loops with their steps, and what comes after.

Nanoseconds of `time.perf_counter_ns` on the host. A GPU works behind it, and is not waited for: docs/diffusers.md.
"""

import statistics
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, pairwise
from typing import NamedTuple

_NS = 1e-9


class Interval(NamedTuple):
    """One phase, from start to end."""

    start_ns: int
    end_ns: int


class Loop:
    """One denoising loop. A loop that runs others, such as one over the parts of a video, has no steps of its own."""

    def __init__(self, asked: int | None) -> None:
        """`asked`: how many steps it is to have, if that is known."""
        self.asked = asked
        self.marks_ns = [time.perf_counter_ns()]
        """Its start, then the end of each step."""
        self.closed_ns: int | None = None

    def step(self) -> None:
        """Note the end of a step. Called in the app's innermost loop: nothing else is done here."""
        self.marks_ns.append(time.perf_counter_ns())

    def close(self) -> None:
        """Note its end; again, and nothing happens."""
        if self.closed_ns is None:
            self.closed_ns = time.perf_counter_ns()

    @property
    def steps(self) -> int:
        """How many have ended."""
        return len(self.marks_ns) - 1

    @property
    def is_over(self) -> bool:
        """Whether it was left, or all its steps have ended: not every pipeline closes its progress bar."""
        return self.closed_ns is not None or self.steps == self.asked

    @property
    def interval(self) -> Interval:
        """From its start to the end of its last step; of one that was broken off, to where it was left."""
        broken_off = self.closed_ns is not None and self.asked is not None and self.steps < self.asked
        return Interval(self.marks_ns[0], self.closed_ns if broken_off and self.closed_ns else self.marks_ns[-1])

    @property
    def steps_s(self) -> Iterator[float]:
        """How long each step took."""
        return ((end - start) * _NS for start, end in pairwise(self.marks_ns))


class Phases:
    """The phases of one call so far, and those of the calls of other pipelines that it made."""

    def __init__(self) -> None:
        self.texts: list[Interval] = []
        self.loops: list[Loop] = []
        self.parts: list[Phases] = []
        self.encodes_text = False

    @contextmanager
    def text(self) -> Iterator[None]:
        """Prompts are encoded as long as the block runs."""
        start_ns = time.perf_counter_ns()
        self.encodes_text = True
        try:
            yield
        finally:
            self.encodes_text = False
            self.texts.append(Interval(start_ns, time.perf_counter_ns()))

    def open_loop(self, asked: int | None) -> Loop:
        """Begin a loop. One that is still running is then no loop of steps, but one around loops."""
        self.loops = [loop for loop in self.loops if loop.is_over]
        loop = Loop(asked)
        self.loops.append(loop)
        return loop

    def all_loops(self) -> Iterator[Loop]:
        """Its own, and those of its parts."""
        return chain(self.loops, *(part.all_loops() for part in self.parts))

    def all_texts(self) -> Iterator[Interval]:
        """Likewise, of text encoding."""
        return chain(self.texts, *(part.all_texts() for part in self.parts))

    def decoding(self, end_ns: int) -> Interval | None:
        """From the end of the last loop to the end of the call; None if there was no loop."""
        ends = [loop.interval.end_ns for loop in self.all_loops()]
        return Interval(max(ends), end_ns) if ends else None


class Steps(NamedTuple):
    """What is told of the steps of a call: durations in seconds."""

    done: int
    asked: int
    first_s: float
    p50_s: float
    max_s: float


def steps_of(phases: Phases) -> Steps | None:
    """All steps together; None if no loop told of any."""
    loops = list(phases.all_loops())
    durations_s = [duration_s for loop in loops for duration_s in loop.steps_s]
    if not durations_s:
        return None
    asked = sum(loop.steps if loop.asked is None else loop.asked for loop in loops)
    p50_s = statistics.median(durations_s)
    return Steps(len(durations_s), asked, durations_s[0], p50_s, max(durations_s))


def total_s(intervals: Iterable[Interval]) -> float | None:
    """Their durations together; None if there are none."""
    durations_ns = [interval.end_ns - interval.start_ns for interval in intervals]
    return sum(durations_ns) * _NS if durations_ns else None
