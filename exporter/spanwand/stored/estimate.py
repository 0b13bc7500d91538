"""What sampled rows add up to, beside what was counted: Horvitz-Thompson estimates with their interval.

A trace is kept or left out as a whole, so it is the unit: with probability 1 / w all its rows are there and weigh w.
Its contribution z = w * y then has a variance of z^2 * (1 - 1 / w), which those that are there estimate without bias.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import sqrt
from typing import Any

import msgspec

from spanwand.operations import FAMILY_OF, Family
from spanwand.stored.run import StoredRun, Total
from spanwand.tables import GENERATIONS, REQUESTS

STANDARD_ERRORS = 2.576
"""Half the interval's width: 99 % of a normal distribution."""

Cells = Mapping[str, Any]


class Quantity(msgspec.Struct, frozen=True):
    """Something that adds up: the metrics that count it, and what a row of a Table adds."""

    metrics: tuple[str, ...]
    table: str
    of_row: Callable[[Cells], float | None]


def _of_language_models(column: str) -> Callable[[Cells], float | None]:
    return lambda row: None if FAMILY_OF.get(row.get("operation", "")) is Family.DIFFUSION else row.get(column)


def _call(row: Cells) -> float:
    return float(row.get("status") != "retried")


QUANTITIES: Mapping[str, Quantity] = {
    "requests": Quantity(("request/count",), REQUESTS, lambda _: 1.0),
    "calls": Quantity(("llm/requests", "diffusion/requests"), GENERATIONS, _call),
    "errors": Quantity(
        ("llm/errors", "diffusion/errors"), GENERATIONS, lambda row: float(row.get("status") == "error")
    ),
    "input_tokens": Quantity(("llm/input_tokens",), GENERATIONS, _of_language_models("input_tokens")),
    "output_tokens": Quantity(("llm/output_tokens",), GENERATIONS, _of_language_models("output_tokens")),
    "images": Quantity(("diffusion/images",), GENERATIONS, lambda row: row.get("images")),
    "cost_usd": Quantity(("llm/cost_usd", "diffusion/cost_usd"), GENERATIONS, lambda row: row.get("cost_usd")),
}


def totals(runs: Sequence[StoredRun]) -> dict[str, Total]:
    """The totals of runs together, by the names of `QUANTITIES`."""
    return {name: _total(quantity, runs) for name, quantity in QUANTITIES.items()}


def horvitz_thompson(amounts: Iterable[tuple[object, float, float]]) -> tuple[float, float]:
    """Estimate and error of a total. Amounts are (trace, weight, amount), in any order.

    Where rows of a trace have several weights, the error is that of the highest, which is no less than the true one.
    """
    contributions: defaultdict[object, float] = defaultdict(float)
    weights: defaultdict[object, float] = defaultdict(lambda: 1.0)
    for trace, weight, amount in amounts:
        contributions[trace] += weight * amount
        weights[trace] = max(weights[trace], weight)
    variance = sum(z * z * (1 - 1 / weights[trace]) for trace, z in contributions.items())
    return sum(contributions.values()), STANDARD_ERRORS * sqrt(variance)


def _total(quantity: Quantity, runs: Sequence[StoredRun]) -> Total:
    exact = sum(row.get(key) or 0 for run in runs for row in run.history for key in quantity.metrics)
    estimate, error = horvitz_thompson(_amounts(quantity, runs))
    return Total(exact, estimate, error)


def _amounts(quantity: Quantity, runs: Sequence[StoredRun]) -> Iterator[tuple[object, float, float]]:
    for table in (run.tables[quantity.table] for run in runs if quantity.table in run.tables):
        for cells in table.rows:
            row = dict(zip(table.columns, cells, strict=True))
            amount = quantity.of_row(row)
            if amount is not None:
                yield row.get("trace_id"), row.get("sample_weight") or 1.0, amount
