"""A `Gather` fed by the second, for tests."""

from collections import Counter
from collections.abc import Iterable
from itertools import count
from typing import TYPE_CHECKING, Any

from spanwand.config import GatherConfig
from spanwand.drops import Drops
from spanwand.gather import Gather, Settled
from spanwand.request import Request
from spanwand.step import evidence_of
from tests.support.records import SECOND_NS, call, root

if TYPE_CHECKING:
    from spanwand.record import Clean


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
        for calls, made in settled:
            self.counted += calls
            requests += [made] if made else []
        return requests
