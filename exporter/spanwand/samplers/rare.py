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
    most = config.rare
    if not most:
        return None
    seen: Counter[tuple[str, str]] = Counter()

    def rare(records: Sampled) -> float:
        found = 0.0
        for record in records:
            if not isinstance(record, Request):
                for value in _values(record):
                    if seen[value] < most and (value in seen or len(seen) < MAX_VALUES):
                        seen[value] += 1
                        found = ALWAYS
        return found

    return rare


def _values(call: Clean) -> Iterator[tuple[str, str]]:
    yield "model", call.model
    for reason in call.finish_reasons:
        yield "finish reason", reason
    if call.failure is not None:
        yield "failure", call.failure.type
    if call.arm:
        yield call.experiment, call.arm
