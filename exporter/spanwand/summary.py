"""What a run's summary says beside the last window: totals of what adds up, and how often each redaction rule did."""

from collections.abc import Mapping
from typing import Any

from spanwand.metrics import Kind, metric_of

_REDACTED = "spanwand/redacted/"


class Summary:
    """Of one run, whose windows are added in order."""

    def __init__(self) -> None:
        self._totals: dict[str, float] = {}

    def add(self, points: Mapping[str, float]) -> dict[str, Any]:
        """Count a window's points; return the entries that they change."""
        sums = {name: value for name, value in points.items() if is_sum(name)}
        for name, value in sums.items():
            self._totals[name] = self._totals.get(name, 0) + value
        entries: dict[str, Any] = {f"total/{name}": self._totals[name] for name in sums}
        if any(name.startswith(_REDACTED) for name in sums):
            entries["redaction"] = self._by_rule()
        return entries

    def _by_rule(self) -> dict[str, float]:
        return {
            name.removeprefix(_REDACTED): total
            for name, total in sorted(self._totals.items())
            if name.startswith(_REDACTED)
        }


def is_sum(name: str) -> bool:
    """Whether a metric's points add up to a total."""
    metric = metric_of(name)
    return metric is not None and metric.kind is Kind.SUM
