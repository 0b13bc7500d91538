"""A `Gather` fed by the second, for tests."""

from collections import Counter
from collections.abc import Iterable
from itertools import count
from typing import TYPE_CHECKING, Any

from spanwand.config import GatherConfig
from spanwand.drops import Drops
from spanwand.gather import Gather, Settled
from spanwand.record import Usage
from spanwand.request import Request
from spanwand.traces.step import evidence_of
from tests.support.records import SECOND_NS, call, root

if TYPE_CHECKING:
    from spanwand.record import Clean

USED = Usage(input_tokens=100, output_tokens=20)
ROOT, OUTER, INNER, OTHER = (bytes([number]) * 8 for number in (2, 3, 4, 5))


class Gathering:
    """A Gather with a clock in seconds and a window per call of `window`."""

    def __init__(self, **config: Any) -> None:
        self.drops = Drops()
        self.duplicates: Counter[str] = Counter()
        self.counted: list[Clean] = []
        self.requests: list[Request] = []
        self.span_ids = count(1)
        self.gather = Gather(GatherConfig(**config), self.drops, self.duplicates)

    def call(self, at_s: float, trace: int = 1, **fields: Any) -> list[Request]:
        """A generation, under a span id of its own. `scope` and `answer` (a response id) are evidence."""
        due = self.wait(at_s)
        fields = {"span_id": next(self.span_ids).to_bytes(8, "big")} | fields
        evidence = evidence_of(fields.pop("scope", ""), fields.pop("answer", ""))
        self._settle(self.gather.generation(call(trace, **fields), int(at_s * SECOND_NS), evidence))
        return due

    def root(self, at_s: float, trace: int = 1, **fields: Any) -> list[Request]:
        due = self.wait(at_s)
        self.gather.root(root(trace, **fields), int(at_s * SECOND_NS))
        return due

    def wait(self, at_s: float) -> list[Request]:
        """The Requests made by then. What has been counted so far is in `counted`."""
        return self._settle(self.gather.due(int(at_s * SECOND_NS)))

    def drain(self) -> list[Request]:
        return self._settle(self.gather.drain())

    def _settle(self, settled: Iterable[Settled]) -> list[Request]:
        requests = []
        for calls, made, _ in settled:
            self.counted += calls
            requests += [made] if made else []
        return requests


def span(span_id: bytes, parent: bytes = ROOT, *, at_s: float = 100, for_s: float = 1, **fields: Any) -> dict[str, Any]:
    """A chat that used tokens, if nothing else is said."""
    return {
        "span_id": span_id,
        "parent_span_id": parent,
        "start_ns": int(at_s * SECOND_NS),
        "end_ns": int((at_s + for_s) * SECOND_NS),
        "usage": USED,
        **fields,
    }


def counted(*spans: dict[str, Any]) -> Gathering:
    """What the spans of a trace count as, in the order given."""
    line = Gathering()
    for sent in spans:
        line.call(0, **sent)
    line.root(0)
    line.requests = line.wait(10)
    return line
