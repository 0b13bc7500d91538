"""Keep what is rare: the first calls of each model, finish reason, kind of failure and experiment arm."""

from collections import Counter
from collections.abc import Iterator

from spanwand.config import SampleConfig
from spanwand.consistent import ALWAYS
from spanwand.ports import Sampled, Sampler
from spanwand.record import Clean
from spanwand.request import Request

MAX_VALUES = 1_000
"""Values counted in one interval; where every call has one of its own, none is rare."""


def sampler(config: SampleConfig) -> Sampler | None:
    """A sampler that keeps the first `rare` calls of each value, and so all of one that comes less often."""
    return _Rare(config.rare) if config.rare else None


class _Rare:
    """Counts the calls of each value."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._seen: Counter[tuple[str, ...]] = Counter()
        self._common: set[tuple[object, ...]] = set()  # looks of calls that need not be counted any more

    def __call__(self, records: Sampled) -> float:
        found, common = 0.0, self._common
        for record in records:
            if isinstance(record, Request):
                continue
            failure = record.failure and record.failure.type
            look = (record.model, record.finish_reasons, failure, record.experiment, record.arm)
            if look not in common:
                if self._count(record):
                    found = ALWAYS
                elif len(common) < MAX_VALUES:
                    common.add(look)
        return found

    def _count(self, call: Clean) -> bool:
        """Whether any of its values is rare."""
        rare, seen = False, self._seen
        for value in _values(call):
            if seen[value] < self._most and (value in seen or len(seen) < MAX_VALUES):
                seen[value] += 1
                rare = True
        return rare


def _values(call: Clean) -> Iterator[tuple[str, ...]]:
    yield "model", call.model
    for reason in call.finish_reasons:
        yield "finish reason", reason
    if call.failure is not None:
        yield "failure", call.failure.type
    if call.arm:
        yield "arm", call.experiment, call.arm
