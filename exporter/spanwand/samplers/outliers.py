"""Keep the slowest calls of each model, by what is slow there: those above a percentile of the calls before them."""

from typing import TypeGuard

import msgspec

from spanwand.config import SampleConfig
from spanwand.consistent import ALWAYS
from spanwand.ports import Sampled, Sampler
from spanwand.record import Clean
from spanwand.request import Request
from spanwand.sketch import Sketch

FEWEST = 100
"""Calls of a model that come before anything is slow there. With twice as many the percentile is taken anew."""
MAX_MODELS = 100


class _Latencies(msgspec.Struct):
    """Of one model."""

    sketch: Sketch = msgspec.field(default_factory=Sketch)
    count: int = 0
    due: int = FEWEST
    slow_s: float = float("inf")

    def add(self, latency_s: float, percentile: int) -> None:
        self.sketch.add((latency_s,))
        self.count += 1
        if self.count == self.due:
            self.due *= 2
            self.slow_s = self.sketch.quantiles((percentile,))[percentile]


def sampler(config: SampleConfig) -> Sampler | None:
    """A sampler that keeps calls above `slow_percentile` of those of the same model in the interval so far."""
    percentile = config.slow_percentile
    if not percentile:
        return None
    models: dict[str, _Latencies] = {}

    def outliers(records: Sampled) -> float:
        calls = [(call.model, call.latency_s) for call in records if _answered(call)]
        found = any(model in models and (latency_s or 0) > models[model].slow_s for model, latency_s in calls)
        for model, latency_s in calls:
            if latency_s is not None and (model in models or len(models) < MAX_MODELS):
                models.setdefault(model, _Latencies()).add(latency_s, percentile)
        return ALWAYS if found else 0.0

    return outliers


def _answered(record: Clean | Request) -> TypeGuard[Clean]:
    """How long a failure took says nothing of the model."""
    return not isinstance(record, Request) and record.failure is None
