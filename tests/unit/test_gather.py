"""A1: one Request per trace, with its totals, made at the right time, exactly once."""

import pytest
from pydantic import ValidationError
from tests.support.gathering import USED, Gathering
from tests.support.records import STUDIO, trace_id

from spanwand.config import GatherConfig
from spanwand.drops import DropReason
from spanwand.operations import Operation
from spanwand.record import Cost, Failure, GpuShare, ImageParams, Service, Usage


def test_a_request_is_made_when_its_root_has_ended_and_it_has_been_quiet() -> None:
    line = Gathering(settle_s=2)
    line.call(0)
    line.root(1)
    line.call(2.5)
    assert line.wait(4.4) == []
    (request,) = line.wait(4.5)
    assert (request.trace_id, request.name, request.generations) == (trace_id(1), "make comic", 2)
    assert request.latency_s == 11.0


def test_totals_are_sums_of_what_is_known() -> None:
    line = Gathering()
    line.call(0, usage=Usage(input_tokens=3), cost=Cost(computed_usd=0.5))
    line.call(0, usage=Usage(input_tokens=4, output_tokens=7), failure=Failure("timeout"))
    line.call(0, operation=Operation.IMAGE, image=ImageParams(images=2), gpu=GpuShare(seconds=1.5, method="engine"))
    line.root(0)
    (request,) = line.wait(100)
    assert (request.input_tokens, request.output_tokens, request.images) == (7, 7, 2)
    assert (request.cost_usd, request.gpu and request.gpu.seconds, request.errors, request.generations) == (
        0.5,
        1.5,
        1,
        3,
    )


def test_a_total_that_no_call_knows_is_unknown() -> None:
    line = Gathering()
    line.call(0)
    (request,) = line.wait(100)
    assert (request.input_tokens, request.output_tokens, request.images, request.cost_usd) == (None,) * 4


@pytest.mark.parametrize("operation", [Operation.AGENT, Operation.TOOL, Operation.RETRIEVAL, Operation.WORKFLOW])
def test_what_is_no_model_call_adds_time_but_no_usage(operation: Operation) -> None:
    """P3: an agent's usage is that of its calls, repeated."""
    line = Gathering()
    line.call(0, usage=Usage(input_tokens=3))
    line.call(0, operation=operation, usage=Usage(input_tokens=3), failure=Failure("x"), latency_s=50)
    (request,) = line.wait(100)
    assert (request.generations, request.input_tokens, request.errors, request.latency_s) == (1, 3, 0, 50)


def test_an_agent_alone_makes_a_request() -> None:
    line = Gathering()
    line.call(0, operation=Operation.AGENT)
    (request,) = line.wait(100)
    assert (request.generations, request.input_tokens) == (0, None)


def test_a_root_alone_makes_none_and_is_let_go() -> None:
    line = Gathering(idle_s=30)
    line.root(0)
    assert line.gather.low is not None
    assert line.wait(30) == []
    assert line.gather.low is None


def test_a_root_may_come_first() -> None:
    line = Gathering(settle_s=2)
    line.root(0)
    line.call(10)
    (request,) = line.wait(12)
    assert request.name == "make comic"


def test_without_a_root_a_trace_is_let_go_when_idle() -> None:
    line = Gathering(idle_s=30)
    line.call(0)
    line.call(20)
    assert line.wait(49) == []
    (request,) = line.wait(50)
    assert (request.name, request.service, request.generations) == ("", STUDIO, 2)


def test_the_root_of_one_service_does_not_end_the_trace() -> None:
    """A comic's image service ends its part long before the comic is done."""
    line = Gathering(settle_s=2, idle_s=30)
    line.call(0)
    line.root(0, name="draw panel", parent_span_id=b"\x03" * 8, start_ns=1)
    assert line.wait(20) == []
    line.root(20)
    (request,) = line.wait(22)
    assert request.name == "make comic"


def test_among_local_roots_the_first_to_start_names_a_trace_without_a_root() -> None:
    line = Gathering()
    line.call(0)
    line.root(0, name="second", parent_span_id=b"\x03" * 8, start_ns=20)
    line.root(0, name="first", parent_span_id=b"\x04" * 8, start_ns=10)
    (request,) = line.wait(60)
    assert request.name == "first"


def test_a_failed_root_is_one_error_if_no_call_failed() -> None:
    line = Gathering()
    line.call(0)
    line.root(0, failure=Failure("500"))
    (request,) = line.wait(10)
    assert request.errors == 1


def test_experiment_and_arm_come_from_the_root_else_from_the_first_call_that_has_them() -> None:
    """A4."""
    line = Gathering()
    line.call(0, trace=1, experiment="prompt", arm="a")
    line.root(0, trace=1)
    line.call(0, trace=2, experiment="prompt", arm="a")
    line.root(0, trace=2, experiment="model", arm="b")
    made = {request.trace_id: (request.experiment, request.arm) for request in line.wait(10)}
    assert made == {trace_id(1): ("prompt", "a"), trace_id(2): ("model", "b")}


def test_a_late_span_amends_the_request() -> None:
    """A1: one row per trace is what holds: the one with the highest revision."""
    line = Gathering(settle_s=2, idle_s=30, late_s=60)
    line.call(0, usage=Usage(input_tokens=3))
    line.root(0)
    (first,) = line.wait(2)
    assert (first.revision, first.input_tokens) == (1, 3)
    line.call(50, usage=Usage(input_tokens=4), service=Service(name="painter"), experiment="late")
    (amended,) = line.wait(52)
    assert (amended.revision, amended.generations, amended.input_tokens) == (2, 2, 7)
    assert (amended.service, amended.experiment) == (STUDIO, "")
    line.root(100)
    assert line.wait(102) == [], "nothing has changed"
    assert line.wait(159) == []
    line.call(160)
    (request,) = line.wait(190)
    assert request.revision == 1, "60 s after its last span it is a new trace"


def test_many_late_spans_do_not_keep_other_traces() -> None:
    line = Gathering(settle_s=2, idle_s=30, late_s=60)
    for second in range(0, 300, 10):
        line.call(second, trace=1)
        line.root(second, trace=1)
        line.call(second, trace=2 + second)
    line.wait(500)
    line.gather.rows_handed_over()
    assert line.gather.low is None


def test_more_traces_than_a_window_may_have_get_no_request() -> None:
    """R25: bounded, and counted."""
    line = Gathering(max_open_traces=2)
    for trace in range(5):
        line.call(0, trace=trace)
    line.call(0, trace=0)
    assert line.drops == {DropReason.TRACE_OVERFLOW: 3}
    line.gather.open_window(10)
    line.call(1, trace=4)
    assert len(line.wait(100)) == 3


def test_roots_without_calls_do_not_push_out_traces() -> None:
    line = Gathering(max_open_traces=2)
    for trace in range(50):
        line.root(0, trace=trace)
    line.call(0, trace=60)
    line.call(0, trace=61)
    assert not line.drops
    assert len(line.wait(100)) == 2


def test_low_is_the_oldest_window_until_the_rows_are_handed_over() -> None:
    """P2: a replay has to see a trace from its beginning, until no batch to come can tell."""
    line = Gathering(settle_s=2, idle_s=30, late_s=60)
    line.gather.open_window(7)
    line.call(0)
    line.gather.open_window(20)
    line.root(1)
    line.wait(3)
    assert line.gather.low == 7
    line.gather.rows_handed_over()
    assert line.gather.low == 7, "it is remembered"
    line.wait(61)
    assert line.gather.low == 7, "it is forgotten, but its row may be waiting"
    line.gather.rows_handed_over()
    assert line.gather.low is None


def test_calls_of_one_instrumentation_do_not_hold_the_journal_for_each_other() -> None:
    """P5: it writes no call twice, so nothing that comes out of one trace depends on the other."""
    line = Gathering(settle_s=1, idle_s=5, late_s=10)
    line.gather.open_window(0)
    line.call(0, trace=1, scope="sdk", usage=USED)
    line.gather.open_window(1)
    line.call(1, trace=3, scope="another", usage=Usage(input_tokens=1))
    for trace in (1, 2):
        line.call(1, trace=trace, scope="sdk", usage=USED)
    for at_s in (5, 9, 13):
        line.call(at_s, trace=2, scope="sdk", usage=USED)
    line.wait(14)
    line.gather.rows_handed_over()
    assert line.gather.low == 1


def test_drain_closes_all_and_remembers_nothing() -> None:
    line = Gathering()
    line.call(0, trace=1)
    line.call(0, trace=2)
    line.root(0, trace=2)
    line.root(0, trace=3)
    assert {request.trace_id for request in line.drain()} == {trace_id(1), trace_id(2)}
    assert line.gather.low is None
    assert line.wait(1_000) == []


def test_what_is_kept_of_a_trace_is_bounded() -> None:
    line = Gathering()
    line.call(0, attributes={"comic.id": "x" * 100_000})
    line.root(0, name="n" * 100_000, attributes={"comic.id": "y" * 100_000, "pages": 3})
    (request,) = line.wait(10)
    assert len(request.name) + len(str(request.attributes["comic.id"])) < 2_000
    assert request.attributes["pages"] == 3


def test_late_must_outlast_idle() -> None:
    with pytest.raises(ValidationError, match="late_s"):
        GatherConfig(idle_s=30, late_s=20)
