"""P3: a call is written down by each instrumentation once: three of them report one call, two calls of one are two."""

import random
from itertools import permutations
from typing import Any

import pytest
from tests.support.gathering import USED, Gathering, counted, span

from spanwand.record import Usage


def written(scope: str, number: int, **fields: Any) -> dict[str, Any]:
    """One of several equal calls that overlap."""
    inside_s = ord(scope) / 10_000
    span_id = bytes([ord(scope), number]) * 4
    return span(span_id, scope=scope, at_s=100 + number / 100 + inside_s, for_s=1 - 2 * inside_s, **fields)


def counted_apart(sent: list[dict[str, Any]]) -> Gathering:
    """Each span is all that its trace is about."""
    line = Gathering()
    for trace, fields in enumerate(sent, start=1):
        line.call(0, trace, **fields | {"parent_span_id": b""})
    line.requests = line.wait(100)
    return line


@pytest.mark.parametrize("order", list(permutations("abc")))
def test_three_instrumentations_side_by_side_report_one_call(order: tuple[str, ...]) -> None:
    sent = [written(scope, 0) for scope in order]
    for line in (counted(*sent), counted_apart(sent)):
        assert [call.usage for call in line.counted] == [USED]
        assert line.duplicates == {"dual_written": 2}


def test_one_of_three_does_not_know_the_usage() -> None:
    line = counted(written("a", 0), written("b", 0), written("c", 0, usage=Usage()))
    assert [call.usage for call in line.counted] == [USED]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("apart", [True, False])
def test_equal_calls_are_as_many_as_each_instrumentation_says(seed: int, *, apart: bool) -> None:
    sent = [written(scope, number) for scope in "abc" for number in range(4)]
    random.Random(seed).shuffle(sent)
    line = counted_apart(sent) if apart else counted(*sent)
    assert len(line.counted) == 4


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("apart", [True, False])
def test_another_instrumentation_takes_one_of_equal_calls(place: int, *, apart: bool) -> None:
    """It came first, and then each of them was taken for what it had reported."""
    sent = [written("a", number) for number in range(4)]
    sent.insert(place, written("b", 0))
    line = counted_apart(sent) if apart else counted(*sent)
    assert len(line.counted) == 4
