"""What spans are together: which of them report the same call, and what the request of their trace sums up."""

from collections.abc import Iterable

import msgspec

from spanwand.batch import Verdict
from spanwand.config import GatherConfig
from spanwand.drops import Drops
from spanwand.gather import Gather, Settled
from spanwand.record import Clean
from spanwand.request import CleanRoot, Request
from spanwand.sample import Sample
from spanwand.traces.counting import Counting
from spanwand.traces.step import Evidence

SpanId = tuple[bytes, bytes]
_AT_ONCE_NS = 0
"""All spans of a file arrive together: what counts for them is not how long something took to come."""


class Counted(msgspec.Struct, frozen=True):
    """A call that counts, as it leaves: with what other spans knew about it."""

    call: Clean
    row: Verdict

    @property
    def counting(self) -> Counting | None:
        """Which try it was, and the rules that decided."""
        return self.call.counting


class TotalOfTrace(msgspec.Struct, frozen=True):
    """The request that a trace becomes, and its row."""

    request: Request
    row: Verdict


class Together:
    """Gathers the spans of a file as the line does, and tells in the end what came of them."""

    def __init__(self, config: GatherConfig, sample: Sample) -> None:
        self._gather = Gather(config, Drops())
        self._sample = sample
        self._counted: dict[SpanId, Counted] = {}
        self._requests: list[TotalOfTrace] = []

    def call(self, call: Clean, evidence: Evidence) -> None:
        """Take a call, or another step."""
        self._take(self._gather.generation(call, _AT_ONCE_NS, evidence))

    def root(self, root: CleanRoot) -> None:
        """Take the root of a trace."""
        self._gather.root(root, _AT_ONCE_NS)

    def settle(self) -> tuple[dict[SpanId, Counted], list[TotalOfTrace]]:
        """The steps that count, by trace and span id, and the requests; no more spans come."""
        self._take(self._gather.drain())
        return self._counted, self._requests

    def _take(self, settled: Iterable[Settled]) -> None:
        for calls, request, trace in settled:
            rows = self._sample(calls, request, trace)
            for call, row in zip(calls, rows, strict=False):
                self._counted[call.trace_id, call.span_id] = Counted(call, row)
            if request is not None:
                self._requests.append(TotalOfTrace(request, rows[-1]))
