"""Spans of a trace are held until it is clear what they report: then its calls leave, and in the end its Request.

Which traces are held, and when one is over, is in `traces`; which spans report the same call, in `duplicates`. While a
trace goes on, its calls leave `hold_s` after they came, or `idle_s` if more is likely to be said about them: so a
metric is that late and not as late as the trace is long.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from heapq import heappop, heappush
from typing import NamedTuple

from msgspec.structs import replace

from spanwand.config import GatherConfig
from spanwand.consistent import RATED
from spanwand.drops import DropReason, Drops
from spanwand.events import Evaluation
from spanwand.record import Clean
from spanwand.request import CleanRoot, Request
from spanwand.traces.counting import Counting
from spanwand.traces.duplicates import resolve
from spanwand.traces.held import Traces
from spanwand.traces.join import add_said, forget_said, unjoined, with_said
from spanwand.traces.mates import Mates, report_one_call
from spanwand.traces.packed import pack
from spanwand.traces.step import NO_EVIDENCE, Evidence, Step, evidence_of, step_of
from spanwand.traces.totals import add, add_root, count, request_of
from spanwand.traces.trace import Old, Trace

_NS = 1_000_000_000
_EVER_NS = 1 << 63
_RECORD_BYTES = 2_000
"""What a record takes besides its content, about."""


class Settled(NamedTuple):
    """What leaves together: calls, each to be counted once, and the Request if the trace is over."""

    calls: list[Clean]
    request: Request | None = None
    trace: Trace | None = None
    """What is held of their trace, if anything is."""


Shared = Callable[[list[Clean], Trace | None], list[Clean]]


def _as_they_are(calls: list[Clean], _: Trace | None) -> list[Clean]:
    return calls


AGGREGATE_ONLY = Counting(rules=("aggregate_only",))
"""Of an agent or the like whose usage no call below it reports: it stands for calls that left no span."""
NOTHING: tuple[Settled, ...] = ()


class Gather:
    """The open traces and what they hold."""

    def __init__(
        self, config: GatherConfig, drops: Drops, duplicates: Counter[str] | None = None, shared: Shared = _as_they_are
    ) -> None:
        """`duplicates` counts by rule the spans that report a call which another span reports.

        `shared` gives calls that leave, and count, their shares of GPUs; None: of no trace that is held.
        """
        self._hold_ns = int(min(config.hold_s, config.idle_s) * _NS)
        self._idle_ns = int(config.idle_s * _NS)
        self._drops = drops
        self._duplicates: Counter[str] = Counter() if duplicates is None else duplicates
        self._shared = shared
        self._traces = Traces(config)
        self._mates = Mates()
        self._by_flush_ns: list[tuple[int, bytes]] = []  # a heap; an entry counts if its trace has the same time

    def open_window(self, position: int) -> None:
        """Begin a window whose first frame is at `position`."""
        self._traces.open_window(position)
        self._mates.open_window()

    @property
    def low(self) -> int | None:
        """First frame of the oldest window that an open or remembered trace began in."""
        return self._traces.low

    def generation(self, generation: Clean, arrival_ns: int, evidence: Evidence = NO_EVIDENCE) -> Iterable[Settled]:
        """Hold a generation. What comes out cannot be held: it counts at once, as it is, and not for its Request."""
        trace = self._traces.with_call(generation.trace_id, arrival_ns, _weight(generation))
        if isinstance(trace, Trace):
            step = step_of(generation, evidence, arrival_ns)
            if step.span_id in trace.steps:
                self._mates.replaced(trace.steps[step.span_id])
            add(trace, step, generation)
            if step.kind:
                self._compare(trace, step)
            if trace.held and not trace.flush_ns:
                self._flush_at(trace, arrival_ns + self._hold_ns)
            self._traces.place(trace)
            return NOTHING
        self._drops[DropReason.LATE if isinstance(trace, Old) else DropReason.TRACE_OVERFLOW] += 1
        return (Settled(self._shared([generation], None)),)

    def root(self, root: CleanRoot, arrival_ns: int) -> None:
        """Take the local root of a trace."""
        trace = self._traces.with_root(root.trace_id, arrival_ns)
        if isinstance(trace, Trace):
            add_root(trace, root)
            self._traces.place(trace)

    def supplement(self, said: Clean, arrival_ns: int) -> None:
        """Take what an event says of a call, or of all calls of its trace; the call may have come, or come later."""
        trace = self._traces.with_event(said.trace_id, arrival_ns, _weight(said))
        if isinstance(trace, Trace):
            lost = add_said(trace, said)
            if lost:
                self._drops[DropReason.SAID_OVER_LIMIT] += lost
            self._traces.place(trace)
        else:
            self._drops.update(unjoined(said))

    def rated(self, judged: Evaluation, arrival_ns: int) -> Evaluation:
        """Somebody judged a trace, or a call of it: what has not come out of it yet is worth to be kept.

        Returns the evaluation with the ids of the call that its answer is of, while that is known.
        """
        call = self._mates.answered(evidence_of("", judged.response_id))
        ids = (call.trace_id, call.span_id) if call else (judged.trace_id, judged.span_id)
        trace = self._traces.with_event(ids[0], arrival_ns, 0) if ids[0] else None
        if isinstance(trace, Trace):
            trace.share = RATED
            self._traces.place(trace)
        return replace(judged, trace_id=ids[0], span_id=ids[1], response_id="")

    def due(self, arrival_ns: int) -> Iterator[Settled]:
        """What is over by now."""
        yield from self._flush(arrival_ns)
        yield from map(self._close, self._traces.quiet(arrival_ns))
        for trace in self._traces.forget(arrival_ns):  # later: after a long pause one is made and forgotten in one go
            self._mates.forget(trace)
        for trace in self._traces.outgrown(arrival_ns):
            self._mates.forget(trace)
            if trace.is_open:
                self._drops[DropReason.CLOSED_EARLY] += 1
                yield self._close(trace)

    def drain(self) -> Iterator[Settled]:
        """What all open traces hold; nothing is remembered."""
        yield from map(self._close, self._traces.open())
        self._traces.clear()
        self._mates.clear()
        self._by_flush_ns.clear()

    def rows_handed_over(self) -> None:
        """The rows of all that came out so far have left."""
        self._traces.rows_handed_over()

    def _compare(self, trace: Trace, step: Step) -> None:
        """Find out whether a step of another trace reports the same call; then both need what either needs."""
        for mate, rule in self._mates.of(step):
            other = self._traces.get(mate.trace_id)
            if other is trace:
                trace.is_plain = False
                if mate.generation is None:
                    step.generation = None
                    self._duplicates[rule] += 1
            elif other is not None:
                self._traces.tie(trace, other)
                if report_one_call(step, mate, rule):
                    goes = self._mates.unite(step, mate, rule)
                    (trace if goes is step else other).elsewhere += 1
                    self._duplicates[rule] += 1
                    return

    def _flush_at(self, trace: Trace, flush_ns: int) -> None:
        trace.flush_ns = flush_ns
        heappush(self._by_flush_ns, (flush_ns, trace.trace_id))

    def _flush(self, arrival_ns: int) -> Iterator[Settled]:
        """What traces that go on have held for long enough."""
        heap = self._by_flush_ns
        while heap and heap[0][0] <= arrival_ns:
            flush_ns, trace_id = heappop(heap)
            trace = self._traces.get(trace_id)
            if trace is not None and trace.flush_ns == flush_ns:
                trace.flush_ns = 0
                calls = self._hand_out(trace, arrival_ns - self._hold_ns, arrival_ns - self._idle_ns)
                yield Settled(calls, None, trace)
                if trace.held:
                    self._flush_at(trace, arrival_ns + max(self._hold_ns, _NS))

    def _close(self, trace: Trace) -> Settled:
        settled = self._conclude(trace)
        pack(trace)
        return settled

    def _conclude(self, trace: Trace) -> Settled:
        calls = self._hand_out(trace, _EVER_NS, _EVER_NS)
        trace.flush_ns = 0
        trace.is_open = False
        if trace.said:
            self._drops.update(forget_said(trace))
        if trace.spans == trace.elsewhere:
            return Settled(calls, None, trace)
        request, made, trace.made = request_of(trace), trace.made, None
        if request == made:
            return Settled(calls, None, trace)
        trace.revision = request.revision
        trace.service, trace.experiment, trace.arm = request.service, request.experiment, request.arm
        return Settled(calls, request, trace)

    def _hand_out(self, trace: Trace, until_ns: int, undecided_until_ns: int) -> list[Clean]:
        """Take from a trace what counts and arrived by then; by `undecided_until_ns` if more may be said about it."""
        calls, held = [], trace.held if trace.is_plain else resolve(trace, self._duplicates)
        trace.held = []
        for step in held:
            generation = step.generation
            if generation is None:
                continue
            if step.arrival_ns > undecided_until_ns and (step.arrival_ns > until_ns or step.is_undecided):
                trace.held.append(step)
            else:
                if not step.kind:
                    generation = replace(generation, counting=AGGREGATE_ONLY)
                step.generation, step.is_counted = None, True
                trace.handed_out.append(step)
                calls.append(with_said(trace, generation))
        calls = self._shared(calls, trace)
        for call in calls:
            count(trace, call)
        return calls


def _weight(record: Clean) -> int:
    media_bytes = sum([len(media.jpeg) for media in record.media]) if record.media else 0
    return _RECORD_BYTES + (record.held_content.chars if record.held_content else 0) + media_bytes
