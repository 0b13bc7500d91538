"""Spans of a trace become one Request.

A trace is in one of three places. Each is ordered by the arrival of the traces' last spans and has one delay, so that
the traces that are due are always at its front.

    waiting   no root of the whole trace yet: `idle_s` of quiet lets it go
    settling  its root has ended: `settle_s` of quiet makes its Request
    finished  its Request is made: `late_s` of quiet and it is forgotten

Two rules make what is open a function of the frames behind `low`, so that a replay from there makes no Request twice
and misses none. A trace is forgotten at most `late_s` after its last span, whatever else was seen of it. And the
limit counts the traces that have spans in the present window, not those that happen to be held: to push the oldest
out when too many are open would make each trace depend on all traces before it.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterator
from heapq import heappop, heappush

from spanwand.config import GatherConfig
from spanwand.drops import DropReason, Drops
from spanwand.record import Clean
from spanwand.request import CleanRoot, Request
from spanwand.trace import Finished, Trace, add_generation, add_root, request_of

_NS = 1_000_000_000

_Queue = OrderedDict[bytes, Trace]


class Gather:
    """The traces that are open, and those remembered for late spans."""

    def __init__(self, config: GatherConfig, drops: Drops) -> None:
        self._settle_ns = int(config.settle_s * _NS)
        self._idle_ns = int(config.idle_s * _NS)
        self._late_ns = int(config.late_s * _NS)
        self._max_traces = config.max_open_traces
        self._drops = drops
        self._forget_all()

    def _forget_all(self) -> None:
        self._waiting: _Queue = OrderedDict()
        self._settling: _Queue = OrderedDict()
        self._finished: dict[bytes, Finished] = {}
        self._finished_by_last_ns: list[tuple[int, bytes]] = []  # a heap; an entry may be older than its trace's last
        self._held: Counter[int] = Counter()  # traces by position, positions ascending
        self._forgotten: Counter[int] = Counter()  # of these, the ones that only their rows still hold
        self.open_window(0)

    def open_window(self, position: int) -> None:
        """Begin a window whose first frame is at `position`."""
        self._position = position
        self._traces_in_window = self._roots_in_window = 0

    @property
    def low(self) -> int | None:
        """First frame of the oldest window that an open or remembered trace began in."""
        return next(iter(self._held), None)

    def generation(self, generation: Clean, arrival_ns: int) -> None:
        """Count a generation towards its trace. One too late for its Request has no effect here."""
        trace_id = generation.trace_id
        trace = self._touch(trace_id, arrival_ns)
        if trace is None:
            if self._traces_in_window >= self._max_traces:
                self._drops[DropReason.TRACE_OVERFLOW] += 1
                return
            trace = self._begin(trace_id, arrival_ns)
        if trace.counted_in != self._position:
            trace.counted_in = self._position
            self._traces_in_window += 1
        if isinstance(trace, Trace):
            add_generation(trace, generation)
            self._settle(trace_id, trace)

    def root(self, root: CleanRoot, arrival_ns: int) -> None:
        """Take the local root of a trace.

        Most roots belong to traces that never call a model. They wait in case a generation follows, under a limit of
        their own; one over it is no loss but for the Request's name.
        """
        self._roots_in_window += 1
        trace = self._touch(root.trace_id, arrival_ns)
        if trace is None:
            if self._roots_in_window > self._max_traces:
                return
            trace = self._begin(root.trace_id, arrival_ns)
        if isinstance(trace, Trace):
            add_root(trace, root)
            self._settle(root.trace_id, trace)

    def due(self, arrival_ns: int) -> Iterator[Request]:
        """Requests of the traces that are over by now. Afterwards those remembered long enough are forgotten."""
        for queue, quiet_ns in ((self._settling, self._settle_ns), (self._waiting, self._idle_ns)):
            for trace_id, trace in _pop_quiet(queue, arrival_ns - quiet_ns):
                if trace.spans:
                    self._remember(trace_id, trace)
                    yield request_of(trace_id, trace)
                else:  # a root alone: no model was called
                    self._release(trace.position, 1)
        self._forget(arrival_ns - self._late_ns)  # last: after a long pause a trace is made and forgotten in one go

    def drain(self) -> Iterator[Request]:
        """Requests of all open traces; nothing is remembered."""
        for queue in (self._settling, self._waiting):
            yield from (request_of(trace_id, trace) for trace_id, trace in queue.items() if trace.spans)
        self._forget_all()

    def rows_handed_over(self) -> None:
        """Let go of forgotten traces.

        Not earlier: a replay that saw only the end of such a trace makes its Request again, up to `late_s` after its
        last span, and that row has to fall into a batch that is already out.
        """
        for position, count in self._forgotten.items():
            self._release(position, count)
        self._forgotten.clear()

    def _touch(self, trace_id: bytes, arrival_ns: int) -> Trace | Finished | None:
        trace: Trace | Finished | None = self._finished.get(trace_id)
        if trace is None:
            queue = self._settling if trace_id in self._settling else self._waiting
            trace = queue.get(trace_id)
            if trace is None:
                return None
            queue.move_to_end(trace_id)
        trace.last_ns = arrival_ns
        return trace

    def _begin(self, trace_id: bytes, arrival_ns: int) -> Trace:
        trace = Trace(position=self._position, last_ns=arrival_ns)
        self._waiting[trace_id] = trace
        self._held[self._position] += 1
        return trace

    def _settle(self, trace_id: bytes, trace: Trace) -> None:
        if trace.spans and trace.root_ended and trace_id in self._waiting:
            self._settling[trace_id] = self._waiting.pop(trace_id)

    def _remember(self, trace_id: bytes, trace: Trace) -> None:
        self._finished[trace_id] = Finished(trace.position, trace.last_ns, trace.counted_in)
        heappush(self._finished_by_last_ns, (trace.last_ns, trace_id))

    def _forget(self, last_ns: int) -> None:
        heap = self._finished_by_last_ns
        while heap and heap[0][0] <= last_ns:
            _, trace_id = heappop(heap)
            trace = self._finished[trace_id]
            if trace.last_ns > last_ns:
                heappush(heap, (trace.last_ns, trace_id))
            else:
                del self._finished[trace_id]
                self._forgotten[trace.position] += 1

    def _release(self, position: int, count: int) -> None:
        self._held[position] -= count
        if not self._held[position]:
            del self._held[position]


def _pop_quiet(queue: _Queue, last_ns: int) -> Iterator[tuple[bytes, Trace]]:
    """Take the traces whose last span arrived at or before `last_ns` off the front of a queue."""
    while queue:
        trace_id = next(iter(queue))
        if queue[trace_id].last_ns > last_ns:
            return
        yield trace_id, queue.pop(trace_id)
