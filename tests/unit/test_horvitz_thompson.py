"""R28, issue 5: totals that rows estimate, beside what metrics count."""

import io
import random
from math import isclose, sqrt
from typing import Any

import pytest
from rich.console import Console
from tests.support.records import call, request

from spanwand import tables
from spanwand.batch import Verdict
from spanwand.config import SampleConfig
from spanwand.record import Cost, Usage
from spanwand.rows import generation_row, request_row
from spanwand.sample import Sample
from spanwand.stored.estimate import STANDARD_ERRORS, horvitz_thompson, totals
from spanwand.stored.run import Stored, StoredRun, StoredTable, Total, collapse_revisions
from spanwand_sidecar.commands.read import show


def stored(table: str, rows: list[Any]) -> StoredTable:
    names = [column.name for column in tables.TABLES[table]]
    return StoredTable(columns=names, rows=[list(row)[: len(names)] for row in rows])


def sampled_run(seed: int, traces: int = 2_000, ratio: float = 0.1) -> StoredRun:
    """A run as `read` gives it: what all calls add up to in its history, and the rows that were kept."""
    dice, sample = random.Random(seed), Sample(SampleConfig(ratio=ratio, rare=0))
    exact, generations, requests = {"request/count": traces, "llm/requests": 0, "llm/input_tokens": 0}, [], []
    for _ in range(traces):
        trace, tokens = dice.getrandbits(128), dice.randrange(1, 1_000)
        calls = [call(trace, usage=Usage(input_tokens=tokens), cost=Cost(computed_usd=tokens / 1e6))] * dice.randint(
            1, 4
        )
        exact["llm/requests"] += len(calls)
        exact["llm/input_tokens"] += len(calls) * tokens
        *verdicts, last = sample(calls, request(trace))
        if last.keep:
            generations += [generation_row(one, verdict) for one, verdict in zip(calls, verdicts, strict=True)]
            requests.append(request_row(request(trace), last))
    history = [exact | {"llm/cost_usd": exact["llm/input_tokens"] / 1e6}]
    of = {"generations": stored("generations", generations), "requests": stored("requests", requests)}
    return StoredRun(id="r", name="studio-1", state="finished", history=history, tables=of, source="a.wandb")


def test_an_estimate_is_within_its_stated_error() -> None:
    """In 99 of 100 cases for large samples; of 30 seeds, one may miss."""
    missed = {"requests": 0, "calls": 0, "input_tokens": 0, "cost_usd": 0}
    for seed in range(30):
        found = totals([sampled_run(seed)])
        for name in missed:
            missed[name] += abs(found[name].estimate - found[name].exact) > found[name].error
    assert max(missed.values()) <= 2


def test_rows_that_are_all_there_have_no_error() -> None:
    run = sampled_run(1, traces=20, ratio=1.0)
    found = totals([run, run])["calls"]
    assert found.exact == found.estimate == 2 * run.history[0]["llm/requests"]
    assert found.error == 0


def test_the_rows_of_a_trace_are_one_draw() -> None:
    estimate, error = horvitz_thompson([("a", 4.0, 1.0), ("a", 4.0, 2.0), ("b", 1.0, 5.0)])
    assert estimate == 17
    assert isclose(error, STANDARD_ERRORS * sqrt(12**2 * 0.75))


@pytest.mark.parametrize("weights", [(2.0, 4.0), (4.0, 2.0)])
def test_of_an_amended_row_the_lowest_weight_holds(weights: tuple[float, float]) -> None:
    rows = [
        request_row(request(revision=number), Verdict(keep=True, weight=weight, reason="ratio"))
        for number, weight in enumerate(weights, 1)
    ]
    table = stored("requests", rows)
    collapse_revisions(table)
    [row] = table.rows
    assert row[table.columns.index("sample_weight")] == 2.0


def test_both_totals_are_shown() -> None:
    """P8."""
    console = Console(file=io.StringIO(), width=120)
    run = sampled_run(3)
    show(Stored(runs=[run]), console)
    assert isinstance(console.file, io.StringIO)
    [line] = [line for line in console.file.getvalue().splitlines() if line.split()[:1] == ["calls"]]
    exact, estimate, error = (float(cell.replace(",", "")) for cell in line.split()[1:])
    assert Total(exact, estimate, error).exact == run.history[0]["llm/requests"]
    assert abs(estimate - exact) <= error
