"""P7, R28, R30: where there is no room for all rows, whole traces stay, and what stays stands for what does not."""

import math
import random
import tracemalloc
from collections import Counter
from collections.abc import Iterator

import pytest
from tests.support.records import KEPT, STUDIO, call, failing, held, request

from spanwand import tables
from spanwand.batch import Verdict
from spanwand.config import LineConfig, SampleConfig
from spanwand.consistent import ALWAYS
from spanwand.content import HeldContent, HeldText
from spanwand.drops import DropReason, Drops
from spanwand.events import CleanEvaluation
from spanwand.pending_rows import PendingRows
from spanwand.record import Clean, Failure
from spanwand.request import Request
from spanwand.rows import feedback_row, makers
from spanwand.runs import HEALTH_RUN, Runs
from spanwand.sample import Sample

RUN = Runs(LineConfig()).of((call().service, "", ""))
NAMES = [column.name for column in tables.TABLES[tables.GENERATIONS]]
JUDGED = CleanEvaluation(trace_id=b"t" * 16, span_id=b"", time_ns=1, service=STUDIO, name="relevance")
LONG = 100_000
Kept = dict[str, list[float]]
"""Weights of the rows that stay, by trace."""


def kept(traces: list[list[Clean]], *, ratio: float = 1.0, max_rows: int, drops: Drops | None = None) -> Kept:
    sample, pending = Sample(SampleConfig(ratio=ratio, rare=0)), PendingRows(max_rows, drops or Drops(), makers())
    for calls in traces:
        for one, verdict in zip(calls, sample(calls, None), strict=True):
            if pending.has_room(verdict):
                pending.add(RUN, tables.GENERATIONS, verdict, one)
    found: Kept = {}
    for row in pending.take().get(RUN, {}).get(tables.GENERATIONS, []):
        cells = dict(zip(NAMES, row, strict=False))
        found.setdefault(str(cells["trace_id"]), []).append(float(str(cells["sample_weight"])))
    assert not pending.take()
    return found


def some_traces(number: int, dice: random.Random, *, most_calls: int = 4, failing: float = 0.0) -> list[list[Clean]]:
    made = []
    for _ in range(number):
        trace, failure = dice.getrandbits(128), Failure("x") if dice.random() < failing else None
        made.append([call(trace, failure=failure)] * dice.randint(1, most_calls))
    return made


def test_all_rows_stay_if_there_is_room() -> None:
    traces = some_traces(20, random.Random(1))
    found = kept(traces, max_rows=sum(map(len, traces)))
    assert list(found.values()) == [[1.0] * len(calls) for calls in traces]


def test_whole_traces_stay_and_no_more_rows_than_there_is_room_for() -> None:
    traces = some_traces(400, random.Random(2))
    found = kept(traces, max_rows=50)
    sizes = {calls[0].trace_id.hex(): len(calls) for calls in traces}
    assert 45 < sum(map(len, found.values())) <= 50
    assert all(len(weights) == sizes[trace] for trace, weights in found.items())


def test_with_less_room_a_part_of_the_same_traces_stays() -> None:
    """R29: the same number decides at any size."""
    traces = some_traces(400, random.Random(3))
    assert kept(traces, max_rows=30).keys() < kept(traces, max_rows=100).keys()


def test_the_order_of_traces_does_not_matter() -> None:
    traces, dice = some_traces(400, random.Random(4)), random.Random(5)
    assert kept(dice.sample(traces, len(traces)), max_rows=40) == kept(traces, max_rows=40)


@pytest.mark.parametrize("ratio", [1.0, 0.2])
def test_totals_are_unbiased(ratio: float) -> None:
    """R28, R30: rows are thinned to a twentieth, in sizes from 1 to 4; failed ones all stay."""
    scores = []
    for seed in range(60):
        traces = some_traces(1_000, random.Random(seed), failing=0.01)
        found = kept(traces, ratio=ratio, max_rows=125)
        failed = [calls[0].trace_id.hex() for calls in traces if calls[0].failure]
        assert all(set(found[trace]) == {1.0} for trace in failed)
        error = math.sqrt(sum(sum(weights) ** 2 * (1 - 1 / weights[0]) for weights in found.values()))
        scores.append((sum(map(sum, found.values())) - sum(map(len, traces))) / error)
    assert max(map(abs, scores)) <= 4.5
    assert abs(sum(scores)) / math.sqrt(len(scores)) <= 3


def test_what_is_always_kept_is_thinned_last_and_then_weighs_too() -> None:
    traces = some_traces(300, random.Random(6), failing=1.0)
    found = kept([*traces, *some_traces(300, random.Random(7))], max_rows=100)
    assert {trace for trace in found} < {calls[0].trace_id.hex() for calls in traces}
    estimate = sum(map(sum, found.values()))
    assert abs(estimate / sum(map(len, traces)) - 1) < 0.6


def test_a_trace_that_alone_is_too_large_stays_if_its_rank_is_the_lowest() -> None:
    small, large, smaller = [call(1 << 40)], [call(1 << 50)] * 50, [call(1 << 55)]
    assert [len(rows) for rows in kept([small, large], max_rows=10).values()] == [50]
    assert [len(rows) for rows in kept([small, large, smaller], max_rows=10).values()] == [1]


def test_text_counts_as_well() -> None:
    """R22: records are let go by what they hold, shown or not, and what cannot be thinned is counted."""
    said = call(held_content=held(system="s" * 1_000), failure=Failure("x", "f" * 1_000), attributes={"a": "t" * 1_000})
    assert stay(request()) == 10
    assert stay(said) == 3


def stay(record: Clean | Request) -> int:
    drops = Drops()
    pending = PendingRows(1_000, drops, makers(), max_chars=5_000)
    verdict = Verdict(keep=True, weight=1.0, reason="ratio", priority=1.0, rank=0.5)
    for _ in range(40):
        if pending.has_room(verdict):
            pending.add(RUN, tables.GENERATIONS if isinstance(record, Clean) else tables.REQUESTS, verdict, record)
    rows = [row for of_table in pending.take()[RUN].values() for row in of_table]
    assert drops[DropReason.ROW_OVERFLOW] == 40 - len(rows)
    return len(rows)


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


def peak_texts(before: int) -> float:
    """How many texts of `LONG` characters were there at once, at most."""
    return (tracemalloc.get_traced_memory()[1] - before) / LONG


@pytest.mark.usefixtures("traced")
def test_no_more_waits_than_there_is_room_for_and_no_text_is_there_twice() -> None:
    """R22, design 8: of ten times as many records a tenth is there at any moment, as records or as rows."""
    pending, dice, room = PendingRows(100, Drops(), makers()), random.Random(8), 100
    before, _ = tracemalloc.get_traced_memory()
    for number in range(10 * room):
        verdict = Verdict(keep=True, weight=1.0, reason="ratio", priority=1.0, rank=dice.random())
        if pending.has_room(verdict):
            text = HeldText("input", f"{number:0{LONG}}", lambda said: said + "!")
            pending.add(RUN, tables.GENERATIONS, verdict, call(number, held_content=HeldContent((text,), failing)))
    assert peak_texts(before) < 1.1 * room
    tracemalloc.reset_peak()
    assert len(pending.take()[RUN][tables.GENERATIONS]) == room
    assert peak_texts(before) < 1.1 * room


def test_rows_that_stand_for_themselves_are_not_thinned_but_counted_if_there_is_no_room() -> None:
    drops = Drops()
    pending, row = PendingRows(3, drops, makers()), feedback_row(JUDGED, KEPT)
    for _ in range(5):
        pending.add_unsampled(HEALTH_RUN, tables.FEEDBACK, JUDGED)
    assert pending.take() == {HEALTH_RUN: {tables.FEEDBACK: [row] * 3}}
    assert drops == Counter({DropReason.ROW_OVERFLOW: 2})


def test_a_share_that_was_cut_twice_weighs_once() -> None:
    """A row that senders kept with 1/4 and of which a half stays: the smaller of the two, not the product."""
    traces = [[call((1 << 56) - 1 - number * (1 << 40), trace_state="ot=th:c")] for number in range(400)]
    assert {weight for [weight] in kept(traces, max_rows=399).values()} == {(1 << 56) / (1 + 399 * (1 << 40))}
    assert ALWAYS > 1
