"""The same sums, counted in four places: by the app, by the API, in the metrics of the runs, in their Tables."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from spanwand.record import Usage
from spanwand.stored.run import StoredRun
from spanwand.tables import GENERATIONS
from spanwand_sidecar.demo.ledger import Answered
from spanwand_sidecar.demo.models import cost_usd

NANO_USD = Decimal("1e-9")


class Sums(msgspec.Struct, frozen=True, kw_only=True):
    """Totals of model calls; cost to the billionth of a dollar, which is less than any one token costs."""

    requests: int
    errors: int
    input_tokens: int
    output_tokens: int
    cached_input_tokens: int
    images: int
    cost_usd: Decimal


COUNTS = tuple(field for field in Sums.__struct_fields__ if field != "cost_usd")


def make_sums(count: Callable[[str], float], cost: Decimal | float) -> Sums:
    """Ask `count` for each field but the cost."""
    return Sums(**{field: round(count(field)) for field in COUNTS}, cost_usd=Decimal(cost).quantize(NANO_USD))


def add(parts: Iterable[Sums]) -> Sums:
    """All together."""
    parts = list(parts)
    return make_sums(lambda field: sum(getattr(part, field) for part in parts), sum(p.cost_usd for p in parts))


def counted_by_app(line: Mapping[str, Any]) -> Sums:
    """One line of the app's own ledger, with what its model costs."""
    usage = Usage(**{field: line.get(field, 0) for field in ("input_tokens", "output_tokens", "cached_input_tokens")})
    cost = cost_usd(line["model"], usage, line.get("images", 0))
    return make_sums(lambda field: line.get(field, 0), cost)


def answered_by_api(answer: Answered) -> Sums:
    """One answer in the ledger of the stand-in."""
    counts = {"requests": 1, "errors": answer.status >= 400, "images": answer.images}
    cost = cost_usd(answer.model, answer.usage, answer.images)
    return make_sums(lambda field: counts.get(field) or getattr(answer.usage, field, None) or 0, cost)


def in_metrics(run: StoredRun) -> Sums:
    """A run's history, added up; each call is counted once, under `llm/` or under `diffusion/`."""

    def total(field: str) -> float:
        keys = (f"llm/{field}", f"diffusion/{field}")
        return math.fsum(point.get(key) or 0 for point in run.history for key in keys)

    return make_sums(total, total("cost_usd"))


def in_table(run: StoredRun) -> Sums:
    """The rows of a run's `generations`, added up."""
    rows = list(rows_of(run, GENERATIONS))
    calls = [row for row in rows if row["status"] != "retried"]
    counts = {"requests": len(calls), "errors": sum(row["status"] == "error" for row in calls)}
    cost = math.fsum(row["cost_usd"] or 0 for row in rows)
    return make_sums(lambda field: counts[field] if field in counts else sum(row[field] or 0 for row in rows), cost)


def rows_of(run: StoredRun, table: str) -> Iterator[dict[str, Any]]:
    """Rows of a Table by column; none if the run has no such Table."""
    stored = run.tables.get(table)
    if stored:
        for row in stored.rows:
            yield dict(zip(stored.columns, row, strict=True))
