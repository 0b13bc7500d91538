"""Spans that come again do not count again: a client that saw no answer, or lost it, sends its request once more.

A span is a repeat if one with the same trace id and span id arrived before, not too long ago: within `window_s`,
`max_spans` and `max_journal_bytes`, whichever is over first. A repeat is remembered anew. So whether a span is one
depends on the frames just before it and on nothing else, and a replay that begins at `low` decides as it was decided.

What a replay decides otherwise are the first spans behind `low`. Those it must not take for new ones are the spans
whose traces or rows can still be open when the batch is out, for which `low` keeps to what was remembered then.
"""

from collections import deque
from collections.abc import Iterable, Sequence

import msgspec

from spanwand.config import DeduplicateConfig
from spanwand.drops import DropReason, Drops
from spanwand.recent_keys import RecentKeys
from spanwand.span import Span

_NS = 1_000_000_000


class _Window(msgspec.Struct):
    """How many spans a window brought, each counted once. Repeats of earlier windows' spans are among them."""

    position: int
    start_ns: int
    spans: int = 0


class Deduplicate:
    """Passes on each span once. Positions and windows as in `Gather`."""

    def __init__(self, config: DeduplicateConfig, horizon_s: float, drops: Drops) -> None:
        """`horizon_s` is how long after its window began a span can be in a trace that is open or remembered."""
        self._is_on = config.window_s > 0
        self._window_ns = config.window_s * _NS
        self._max_spans = config.max_spans
        self._max_bytes = config.max_journal_bytes
        self._horizon_ns = int(horizon_s * _NS)
        self._drops = drops
        self._recent = RecentKeys()
        self._windows: deque[_Window] = deque([_Window(0, 0)])
        self._needed: deque[tuple[int, int | None]] = deque()  # start of a window, and what `low` was to its spans

    def open_window(self, position: int, start_ns: int) -> None:
        """Begin a window whose first frame is at `position`, and forget what is too old for it."""
        windows = self._windows
        if not windows[-1].spans:
            windows.pop()
        windows.append(_Window(position, start_ns))
        while windows[0].start_ns < start_ns - self._window_ns:
            self._forget_oldest()
        while windows[0].position < position - self._max_bytes:
            self._forget_early()
        self._needed.append((start_ns, self._oldest))

    def rows_handed_over(self, arrival_ns: int) -> None:
        """The rows of all that came out until `arrival_ns` have left: what was forgotten by then does not matter more.

        Not what should have been by now: after a pause, as when nothing runs, traces are as open as they were.
        """
        while self._needed and self._needed[0][0] <= arrival_ns - self._horizon_ns:
            self._needed.popleft()

    def drain(self) -> None:
        """Nothing that came so far matters any more, except as what may come again."""
        self._needed.clear()

    def forget(self, before: int) -> None:
        """Let go of what came before a position, though it is not too old. Nothing that is open may need it."""
        while self._windows and self._windows[0].position < before:
            self._forget_early()
        if not self._windows:
            self._windows.append(_Window(before, 0))

    @property
    def low(self) -> int | None:
        """First frame of the oldest window that has to be remembered."""
        return next((position for _, position in self._needed if position is not None), self._oldest)

    def __call__(self, spans: Iterable[Span]) -> Iterable[Span]:
        """Those of `spans` that are no repeats."""
        if not self._is_on:
            return spans
        spans = list(spans)
        came_before = self._came_before([span.trace_id + span.span_id for span in spans])
        return [span for span, before in zip(spans, came_before, strict=True) if not before]

    def is_new(self, key: bytes) -> bool:
        """Whether something that is no span comes for the first time. `key` tells it from everything else."""
        return not (self._is_on and self._came_before([key])[0])

    def _came_before(self, keys: Sequence[bytes]) -> list[bool]:
        window, recent = self._windows[-1], self._recent
        before = len(recent)
        came_before = recent.add(keys, window.spans)
        window.spans += len(recent) - before
        if repeats := sum(came_before):
            self._drops[DropReason.DUPLICATE] += repeats
        if len(recent) > self._max_spans:
            self._make_room()
        return came_before

    @property
    def _oldest(self) -> int | None:
        oldest = self._windows[0]
        return oldest.position if oldest.spans else None

    def _make_room(self) -> None:
        """Forget the oldest windows; if the present one is too large by itself, its latest spans."""
        while len(self._recent) > self._max_spans and len(self._windows) > 1:
            self._forget_early()
        excess = len(self._recent) - self._max_spans
        if excess > 0:
            self._recent.take_back(excess)
            self._windows[0].spans -= excess
            self._drops[DropReason.FORGOTTEN_EARLY] += excess

    def _forget_early(self) -> None:
        if forgotten := self._recent.known_by(self._windows[0].spans):
            self._drops[DropReason.FORGOTTEN_EARLY] += forgotten
        self._forget_oldest()

    def _forget_oldest(self) -> None:
        self._recent.forget(self._windows.popleft().spans)
