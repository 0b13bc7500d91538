"""Records whose Table rows wait to be handed over, no more than there is room for; rows are made of those that stay.

If more come, a share of the traces stays: those of the lowest rank, as many as fit. This is priority sampling
(Duffield, Lund, Thorup: J. ACM 2007) with the random number that a trace has anyway. What stays is a part of what
would have stayed with more room, and a trace stays whole or not at all. Where the cut is depends on no trace that
stays: so rows that weigh 1 / probability of a rank below the cut give totals without bias (docs/adr/0021).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from heapq import heappop, heappush
from itertools import chain
from math import inf
from operator import attrgetter
from typing import Literal

import msgspec
from msgspec.structs import replace

from spanwand.batch import Verdict
from spanwand.drops import DropReason, Drops
from spanwand.events import CleanEvaluation, Evaluation
from spanwand.packed_rows import PackedRows
from spanwand.record import Clean
from spanwand.request import Request
from spanwand.rows import Maker
from spanwand.runs import Run

MAX_CHARS = 10 * 1024 * 1024
"""Text of records that wait (docs/adr/0034)."""
_RECORD_CHARS = 1_000  # what a record weighs besides its text, about
_MOST_OF_ONE = 2  # times the room: what a trace that is alone may have
_ITSELF = Verdict(keep=True, weight=1.0, reason="")
_labels = attrgetter("name", "experiment", "arm", "session_id", "prompt_name", "prompt_version")
_of_evaluation = attrgetter("name", "label", "explanation")
_place = attrgetter("place")

Record = Clean | Request | CleanEvaluation


class _Pending(msgspec.Struct, frozen=True, gc=False):
    place: int  # among what came; rows leave in this order
    run: Run
    table: str
    verdict: Verdict
    record: Record
    chars: int


class PendingRows:
    """The rows of one interval. There is room for `max_rows`, and for one trace if it alone has more."""

    def __init__(self, max_rows: int, drops: Drops, makers: Mapping[str, Maker], max_chars: int = MAX_CHARS) -> None:
        """`makers` make the rows of each table."""
        self._max_rows = max_rows
        self._max_chars = max_chars
        self._makers = makers
        self._drops = drops
        self._begin()

    def _begin(self) -> None:
        self._by_rank: dict[float, list[_Pending]] = {}
        self._ranks: list[float] = []  # a heap, negated: the highest comes first
        self._sampled_rows = self._sampled_chars = 0
        self._cut = inf
        self._unsampled: list[_Pending] = []
        self._unsampled_chars = 0
        self._came = 0

    def has_room(self, verdict: Verdict) -> bool:
        """Whether a row would stay so far."""
        if not verdict.keep or verdict.rank >= self._cut:
            return False
        return self._sampled_chars < _MOST_OF_ONE * self._max_chars or self._overflows()

    def add(self, run: Run, table: str, verdict: Verdict, record: Clean | Request) -> None:
        """Let a record wait for which there is room. It, or what is of a higher rank, may have to go for that."""
        pending, of_trace = self._pending(run, table, verdict, record), self._by_rank.get(verdict.rank)
        if of_trace is None:
            of_trace = self._by_rank[verdict.rank] = []
            heappush(self._ranks, -verdict.rank)
        of_trace.append(pending)
        self._sampled_rows += 1
        self._sampled_chars += pending.chars
        while (self._sampled_rows > self._max_rows or self._sampled_chars > self._max_chars) and len(self._ranks) > 1:
            self._move_cut()

    def add_unsampled(self, run: Run, table: str, record: CleanEvaluation) -> None:
        """Let one wait that stands for itself alone; those for which there is no room are counted, and lost."""
        if (len(self._unsampled) < self._max_rows and self._unsampled_chars < self._max_chars) or self._overflows():
            pending = self._pending(run, table, _ITSELF, record)
            self._unsampled_chars += pending.chars
            self._unsampled.append(pending)

    def take(self) -> Mapping[Run, Mapping[str, PackedRows]]:
        """The rows of what stays, with what they stand for, by run and table. Nothing waits any more."""
        sampled, unsampled, cut = sorted(chain(*self._by_rank.values()), key=_place), self._unsampled, self._cut
        self._begin()
        taken: defaultdict[Run, defaultdict[str, PackedRows]] = defaultdict(lambda: defaultdict(PackedRows))
        for pending in _one_by_one(sampled):
            verdict = _weighed(pending.verdict, cut) if cut < inf else pending.verdict
            taken[pending.run][pending.table].append(self._makers[pending.table](pending.record, verdict))
        for pending in _one_by_one(unsampled):
            row = self._makers[pending.table](pending.record, pending.verdict)
            taken[pending.run][pending.table].append(row)
        return taken

    def _pending(self, run: Run, table: str, verdict: Verdict, record: Record) -> _Pending:
        self._came += 1
        return _Pending(self._came, run, table, verdict, record, _chars(record))

    def _overflows(self) -> Literal[False]:
        self._drops[DropReason.ROW_OVERFLOW] += 1
        return False

    def _move_cut(self) -> None:
        """Let go of the trace of the highest rank: that is where the cut is. It may move on, never back."""
        self._cut = -heappop(self._ranks)
        gone = self._by_rank.pop(self._cut)
        self._sampled_rows -= len(gone)
        self._sampled_chars -= sum([pending.chars for pending in gone])


def _weighed(verdict: Verdict, cut: float) -> Verdict:
    return replace(verdict, weight=max(verdict.weight, 1 / (cut * verdict.priority)))


def _one_by_one(pending: list[_Pending]) -> Iterator[_Pending]:
    """Each is let go before the next: what was said, and the rows that say it again, are never there together."""
    pending.reverse()
    while pending:
        yield pending.pop()


def _chars(record: Record) -> int:
    """What can be long in a record; of most, only labels are there."""
    if isinstance(record, Evaluation):
        return _RECORD_CHARS + _length(_of_evaluation(record))
    chars = _RECORD_CHARS + _length(_labels(record))
    if record.attributes:
        chars += _length(map(str, record.attributes.values()))
    if isinstance(record, Request):
        return chars
    if record.held_content is not None:
        chars += record.held_content.chars
    return chars + (len(record.failure.message) if record.failure else 0)


def _length(texts: Iterable[str]) -> int:
    return sum(map(len, texts))
