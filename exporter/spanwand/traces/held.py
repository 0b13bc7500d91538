"""Which traces are held, and for how long.

A trace is in one of four places. The first two are ordered by the arrival of the traces' last spans and have one delay
each, so that the traces that are due are always at the front.

    waiting   no root of the whole trace yet: `idle_s` of quiet closes it
    settling  its root has ended, or it was closed before: `settle_s` of quiet closes it
    closed    its Request is made; a late span opens it again, `late_s` of quiet and it is forgotten
    old       it went on for too long, or too much came meanwhile: only that is remembered, until it is forgotten

Three rules make what is held a function of the frames behind `low`, so that a replay from there counts no call twice
and misses none. A trace is forgotten at most `late_s` after its last span, whatever else was seen of it. The limit of
traces counts those that have spans in the present window, not those that happen to be held: to push the oldest out when
too many are open would make each trace depend on all traces before it. For the same reason the limits of spans and
bytes count what has arrived since a trace began.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import takewhile

from spanwand.config import GatherConfig
from spanwand.traces.totals import reopen
from spanwand.traces.trace import Old, Trace

_NS = 1_000_000_000


class Traces:
    """The traces that are open, and those remembered for late spans."""

    def __init__(self, config: GatherConfig) -> None:
        self._settle_ns = int(config.settle_s * _NS)
        self._idle_ns = int(config.idle_s * _NS)
        self._late_ns = int(config.late_s * _NS)
        self._age_ns = int(config.max_age_s * _NS)
        self._max_traces = config.max_open_traces
        self._max_spans = config.max_spans
        self._max_bytes = config.max_bytes
        self.clear()

    def clear(self) -> None:
        """Hold nothing."""
        self._traces: dict[bytes, Trace] = {}  # all but the old ones, in the order in which they began
        self._waiting: OrderedDict[bytes, Trace] = OrderedDict()
        self._settling: OrderedDict[bytes, Trace] = OrderedDict()
        self._old: dict[bytes, Old] = {}
        self._by_last_ns: list[tuple[int, bytes]] = []  # closed and old ones, a heap; they may have been seen since
        self._held: Counter[int] = Counter()  # traces by position
        self._forgotten: Counter[int] = Counter()  # of these, the ones that only their rows still hold
        self._spans = self._bytes = 0  # that have arrived
        self.open_window(0)

    def open_window(self, position: int) -> None:
        """Begin a window whose first frame is at `position`."""
        self._position = position
        self._with_calls = self._roots = 0

    @property
    def low(self) -> int | None:
        """First frame of the oldest window that a held trace began in."""
        return min(self._held, default=None)

    def get(self, trace_id: bytes) -> Trace | None:
        """A trace that is not old."""
        return self._traces.get(trace_id)

    def with_call(self, trace_id: bytes, arrival_ns: int, weight_bytes: int) -> Trace | Old | None:
        """The trace that a generation belongs to; None if the window has too many traces to begin another."""
        self._spans += 1
        self._bytes += weight_bytes
        trace = self._touch(trace_id, arrival_ns)
        if trace is None:
            if self._with_calls >= self._max_traces:
                return None
            trace = self._begin(trace_id, arrival_ns)
        if trace.counted_in != self._position:
            trace.counted_in = self._position
            self._with_calls += 1
            if isinstance(trace, Old) and self._with_calls <= self._max_traces:
                self._shorten(trace, arrival_ns)
        return trace

    def with_root(self, trace_id: bytes, arrival_ns: int) -> Trace | Old | None:
        """The trace that a root belongs to; None if the window has too many roots to begin another.

        Most roots belong to traces that never call a model. They wait in case a generation follows, under a limit of
        their own; one over it is no loss but for the Request's name.
        """
        self._roots += 1
        trace = self._touch(trace_id, arrival_ns)
        if trace is None and self._roots <= self._max_traces:
            trace = self._begin(trace_id, arrival_ns)
        return trace

    def with_event(self, trace_id: bytes, arrival_ns: int, weight_bytes: int) -> Trace | Old | None:
        """The trace that an event is about, under the same limit as roots: most come before the call they are about."""
        self._bytes += weight_bytes
        return self.with_root(trace_id, arrival_ns)

    def place(self, trace: Trace) -> None:
        """Put a trace that has just been touched where it belongs now."""
        if not trace.is_open:
            trace.is_open = True
            self._settling[trace.trace_id] = trace
        elif trace.spans and trace.root_ended and trace.trace_id in self._waiting:
            self._settling[trace.trace_id] = self._waiting.pop(trace.trace_id)

    def quiet(self, arrival_ns: int) -> Iterator[Trace]:
        """Close the traces that are over. A root alone, whose trace never called a model, is let go."""
        for queue, quiet_ns in ((self._settling, self._settle_ns), (self._waiting, self._idle_ns)):
            for trace in _pop_quiet(queue, arrival_ns - quiet_ns):
                if trace.spans:
                    heappush(self._by_last_ns, (trace.last_ns, trace.trace_id))
                    yield trace
                else:
                    del self._traces[trace.trace_id]
                    self._release(trace.position, 1)

    def open(self) -> Iterator[Trace]:
        """All open traces that have called a model."""
        for queue in (self._settling, self._waiting):
            yield from (trace for trace in queue.values() if trace.spans)

    def forget(self, arrival_ns: int) -> Iterator[Trace]:
        """Forget what has been closed or old, and quiet, for long enough; the traces among it."""
        heap, last_ns = self._by_last_ns, arrival_ns - self._late_ns
        while heap and heap[0][0] <= last_ns:
            _, trace_id = heappop(heap)
            trace = self._traces.get(trace_id) or self._old.get(trace_id)
            if trace is None or (isinstance(trace, Trace) and trace.is_open):
                continue
            if trace.last_ns > last_ns:
                heappush(heap, (trace.last_ns, trace_id))
                continue
            self._forgotten[trace.position] += 1
            if isinstance(trace, Trace):
                yield self._traces.pop(trace_id)
            else:
                del self._old[trace_id]

    def outgrown(self, arrival_ns: int) -> Iterator[Trace]:
        """Those that are old from now on, open or not."""
        old = takewhile(lambda trace: self._is_old(trace, arrival_ns), self._traces.values())
        for trace in list(old):  # at once: to find the first key of a dict is slow where many before it are gone
            trace_id = trace.trace_id
            del self._traces[trace_id]
            was_open = self._settling.pop(trace_id, None) or self._waiting.pop(trace_id, None)
            if not trace.spans:
                self._release(trace.position, 1)
                continue
            if was_open:
                heappush(self._by_last_ns, (trace.last_ns, trace_id))
            self._old[trace_id] = Old(trace.position, trace.last_ns, trace.counted_in, trace.position, trace.begun_ns)
            yield trace

    def rows_handed_over(self) -> None:
        """Let go of forgotten traces.

        Not earlier: a replay that saw only the end of such a trace makes its Request again, up to `late_s` after its
        last span, and that row has to fall into a batch that is already out.
        """
        for position, number in self._forgotten.items():
            self._release(position, number)
        self._forgotten.clear()

    def _touch(self, trace_id: bytes, arrival_ns: int) -> Trace | Old | None:
        trace = self._traces.get(trace_id)
        if trace is None:
            old = self._old.get(trace_id)
            if old is not None:
                old.last_ns = arrival_ns
            return old
        if trace_id in self._settling:
            self._settling.move_to_end(trace_id)
        elif trace_id in self._waiting:
            self._waiting.move_to_end(trace_id)
        else:
            reopen(trace)
        trace.last_ns = arrival_ns
        return trace

    def _begin(self, trace_id: bytes, arrival_ns: int) -> Trace:
        trace = Trace(
            trace_id=trace_id,
            position=self._position,
            last_ns=arrival_ns,
            begun_ns=arrival_ns,
            begun_spans=self._spans,
            begun_bytes=self._bytes,
        )
        self._traces[trace_id] = self._waiting[trace_id] = trace
        self._held[self._position] += 1
        return trace

    def _is_old(self, trace: Trace, arrival_ns: int) -> bool:
        return (
            arrival_ns - trace.begun_ns >= self._age_ns
            or self._spans - trace.begun_spans >= self._max_spans
            or self._bytes - trace.begun_bytes >= self._max_bytes
        )

    def _shorten(self, trace: Old, arrival_ns: int) -> None:
        """Need no more of an old trace than shows a replay that it is old, or it would hold the journal for ever."""
        if arrival_ns - trace.next_ns >= self._age_ns:
            self._move(trace, trace.next_position)
            trace.next_position, trace.next_ns = self._position, arrival_ns

    def tie(self, one: Trace, other: Trace) -> None:
        """Let each need what the other needs, for what comes out of one depends on both."""
        if one.position > other.position:
            self._move(one, other.position)
        elif other.position > one.position:
            self._move(other, one.position)

    def _move(self, trace: Trace | Old, position: int) -> None:
        self._held[position] += 1
        self._release(trace.position, 1)
        trace.position = position

    def _release(self, position: int, number: int) -> None:
        self._held[position] -= number
        if not self._held[position]:
            del self._held[position]


def _pop_quiet(queue: OrderedDict[bytes, Trace], last_ns: int) -> Iterator[Trace]:
    """Take the traces whose last span arrived at or before `last_ns` off the front of a queue."""
    while queue:
        trace_id = next(iter(queue))
        if queue[trace_id].last_ns > last_ns:
            return
        yield queue.pop(trace_id)
