"""Records whose Table rows wait to be handed over, no more than there is room for; rows are made of those that stay.

If more come, a share of the traces stays: those of the lowest rank, as many as fit. This is priority sampling
(Duffield, Lund, Thorup: J. ACM 2007) with the random number that a trace has anyway. What stays is a part of what
would have stayed with more room, and a trace stays whole or not at all. Where the cut is depends on no trace that
stays: so rows that weigh 1 / probability of a rank below the cut give totals without bias (docs/adr/0021).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from math import inf
from operator import attrgetter
from typing import Literal

import msgspec
from msgspec.structs import replace

from spanwand.batch import Verdict
from spanwand.drops import DropReason, Drops
from spanwand.events import CleanEvaluation, Evaluation
from spanwand.record import Clean
from spanwand.request import Request
from spanwand.rows import Maker
from spanwand.runs import Run
from spanwand.tables import Row

MAX_CHARS = 32 * 1024 * 1024
"""Text of records that wait."""
_RECORD_CHARS = 1_000  # what a record weighs besides its text, about
_SLACK = 2  # so much more than there is room for may wait before the cut is moved
_ITSELF = Verdict(keep=True, weight=1.0, reason="")
_labels = attrgetter("name", "experiment", "arm", "session_id", "prompt_name", "prompt_version")
_of_evaluation = attrgetter("name", "label", "explanation")

Record = Clean | Request | CleanEvaluation


class _Pending(msgspec.Struct, frozen=True):
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
        self._sampled: list[_Pending] = []
        self._unsampled: list[_Pending] = []
        self._sampled_chars = self._unsampled_chars = 0
        self._cut = inf
        self._rows_at_cut = 0
        self._due_rows = _SLACK * self._max_rows

    def has_room(self, verdict: Verdict) -> bool:
        """Whether a row would stay so far."""
        if not verdict.keep or verdict.rank >= self._cut:
            return False
        if len(self._sampled) >= self._due_rows or self._sampled_chars >= _SLACK * self._max_chars:
            self._move_cut()
        if verdict.rank >= self._cut:
            return False
        return self._sampled_chars < _SLACK * self._max_chars or self._overflows()

    def add(self, run: Run, table: str, verdict: Verdict, record: Clean | Request) -> None:
        """Let a record wait for which there is room."""
        chars = _chars(record)
        self._sampled_chars += chars
        self._sampled.append(_Pending(run, table, verdict, record, chars))

    def add_unsampled(self, run: Run, table: str, record: CleanEvaluation) -> None:
        """Let one wait that stands for itself alone; those for which there is no room are counted, and lost."""
        if (len(self._unsampled) < self._max_rows and self._unsampled_chars < self._max_chars) or self._overflows():
            chars = _chars(record)
            self._unsampled_chars += chars
            self._unsampled.append(_Pending(run, table, _ITSELF, record, chars))

    def take(self) -> Mapping[Run, Mapping[str, list[Row]]]:
        """The rows of what stays, with what they stand for, by run and table. Nothing waits any more."""
        self._move_cut()
        taken: defaultdict[Run, defaultdict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
        for pending in self._sampled:
            verdict = self._weighed(pending.verdict) if self._cut < inf else pending.verdict
            taken[pending.run][pending.table].append(self._makers[pending.table](pending.record, verdict))
        for pending in self._unsampled:
            row = self._makers[pending.table](pending.record, pending.verdict)
            taken[pending.run][pending.table].append(row)
        self._begin()
        return taken

    def _overflows(self) -> Literal[False]:
        self._drops[DropReason.ROW_OVERFLOW] += 1
        return False

    def _move_cut(self) -> None:
        """Let only the traces of the lowest ranks stay, as many as fit, and one in any case.

        The first one that does not fit is where the cut is. A trace of which more rows come may move it on, never back.
        """
        if len(self._sampled) == self._rows_at_cut:
            return
        rows, chars = Counter[float](), Counter[float]()
        for pending in self._sampled:
            rows[pending.verdict.rank] += 1
            chars[pending.verdict.rank] += pending.chars
        lowest, *others = sorted(rows)
        staying_rows, staying_chars = rows[lowest], chars[lowest]
        for rank in others:
            staying_rows += rows[rank]
            staying_chars += chars[rank]
            if staying_rows > self._max_rows or staying_chars > self._max_chars:
                self._cut = rank
                break
        self._sampled = [pending for pending in self._sampled if pending.verdict.rank < self._cut]
        self._sampled_chars = sum(pending.chars for pending in self._sampled)
        self._rows_at_cut = len(self._sampled)
        self._due_rows = _SLACK * max(self._max_rows, self._rows_at_cut)

    def _weighed(self, verdict: Verdict) -> Verdict:
        return replace(verdict, weight=max(verdict.weight, 1 / (self._cut * verdict.priority)))


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
