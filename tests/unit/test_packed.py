"""A1, P3, design 8: a closed trace takes little memory, and a late span finds it as it was."""

from copy import deepcopy
from typing import Any

import pytest
from tests.support.gathering import INNER, OTHER, OUTER, ROOT, USED, Gathering
from tests.support.records import call, root

from spanwand.operations import Operation
from spanwand.traces.packed import pack, unpack
from spanwand.traces.step import Evidence, Step, step_of
from spanwand.traces.totals import add, add_root, count
from spanwand.traces.trace import Trace


def closed(*steps: Step) -> Trace:
    """A trace all of whose calls have been handed out."""
    trace = Trace(trace_id=call().trace_id, position=0, last_ns=0, begun_ns=0, begun_spans=0, begun_bytes=0)
    for step in steps:
        assert step.generation
        add(trace, step, step.generation)
    for step in trace.held:
        assert step.generation
        count(trace, step.generation)
        step.generation, step.is_counted = None, True
        trace.handed_out.append(step)
    trace.held = []
    add_root(trace, root(parent_span_id=ROOT, span_id=OUTER))
    return trace


def step(span_id: bytes, parent: bytes = OUTER, answer: int = 0, end_ns: int = 5, **fields: Any) -> Step:
    made = call(span_id=span_id, parent_span_id=parent, start_ns=1, end_ns=end_ns, usage=USED, **fields)
    return step_of(made, Evidence(7, answer), 3)


@pytest.mark.parametrize("answers", [(0, 0), (0, 9), (8, 9)], ids=["none", "one", "both"])
def test_a_trace_comes_back_as_it_was(answers: tuple[int, int]) -> None:
    trace = closed(step(INNER, answer=answers[0]), step(OTHER, INNER, answers[1], operation=Operation.TOOL))
    before = deepcopy(trace)
    pack(trace)
    assert trace.packed
    assert sorted(each.evidence.response for each in trace.steps.values()) == [each for each in answers if each]
    unpack(trace)
    assert trace == before
    assert all(trace.steps[each.span_id] is each for each in trace.handed_out)
    unpack(trace)
    assert trace == before


def test_nothing_is_shared_with_another_trace_that_is_open_again() -> None:
    one, other = closed(step(INNER)), closed(step(INNER))
    for trace in (one, other):
        pack(trace)
        unpack(trace)
    one.held.append(step(OTHER))
    one.parents[ROOT] = ROOT
    assert other == closed(step(INNER))


@pytest.mark.parametrize(
    "steps", [[step(INNER, end_ns=1 << 70)], [step(INNER), step(INNER, ROOT)]], ids=["no time", "the same span twice"]
)
def test_what_bytes_would_not_say_stays_as_it_is(steps: list[Step]) -> None:
    trace = closed(*steps)
    before = deepcopy(trace)
    pack(trace)
    assert trace == before
    unpack(trace)
    assert trace == before


def test_closed_traces_are_packed() -> None:
    line = Gathering(settle_s=2)
    for number in range(1, 4):
        line.call(0, trace=number)
        line.root(0, trace=number)
    assert len(line.wait(5)) == 3
    assert all(trace.packed and not trace.steps for trace in line.gather._traces._traces.values())
