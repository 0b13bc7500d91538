"""P3, P5: one call, one count, whatever reported it and in whatever order it came."""

from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from tests.support.gathering import INNER, OTHER, OUTER, USED, Gathering, counted, span

from spanwand.operations import Operation
from spanwand.record import Cost, Failure, ImageParams, Usage
from spanwand.traces.attempts import FALLBACK, RETRY
from spanwand.traces.duplicates import RULES

ANSWER = "chatcmpl-0123456789abcdef"
WRAPPER = span(OUTER, at_s=99, for_s=3, scope="framework", prompt_name="hero", session_id="s1", experiment="e", arm="b")
GATEWAY = span(OTHER, INNER, at_s=100.2, for_s=0.5, scope="gateway", provider="openai")
CALL = span(INNER, OUTER, scope="sdk", answer=ANSWER, cost=Cost(computed_usd=0.5))


@pytest.mark.parametrize("order", list(permutations([WRAPPER, CALL, GATEWAY])))
def test_a_framework_an_sdk_and_a_gateway_report_one_call(order: tuple[dict[str, Any], ...]) -> None:
    line = counted(*order)
    (call,) = line.counted
    (request,) = line.requests
    assert (call.span_id, call.usage, call.cost.usd) == (OTHER, USED, 0.5)
    assert (call.prompt_name, call.session_id, call.experiment, call.arm) == ("hero", "s1", "e", "b")
    assert (request.generations, request.input_tokens, request.cost_usd) == (1, 100, 0.5)
    assert line.duplicates == {"nested": 2}


def test_the_innermost_usage_counts() -> None:
    """A wrapper may add up otherwise, or guess."""
    line = counted(WRAPPER | {"usage": Usage(input_tokens=90, output_tokens=27)}, CALL)
    assert [call.usage for call in line.counted] == [USED]


def test_usage_that_only_the_wrapper_knows_counts() -> None:
    line = counted(WRAPPER | {"cost": Cost(computed_usd=2)}, CALL | {"usage": Usage(), "cost": Cost()})
    assert [(call.usage, call.cost.usd) for call in line.counted] == [(USED, 2)]


def test_parts_of_the_usage_come_with_their_cost() -> None:
    """What is cached is cheaper: tokens and cost are those of one span."""
    whole = Usage(input_tokens=100, output_tokens=20, cached_input_tokens=80)
    line = counted(WRAPPER | {"usage": whole, "cost": Cost(computed_usd=0.1)}, CALL)
    assert [(call.usage, call.cost.usd) for call in line.counted] == [(whole, 0.1)]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_wrapper_of_several_calls_does_not_count(order: tuple[int, ...]) -> None:
    """The outer span of a tool loop: its usage is the sum, or that of the last turn."""
    spans = [
        span(OUTER, scope="ai", usage=Usage(input_tokens=200, output_tokens=40), for_s=9, prompt_name="hero"),
        span(INNER, OUTER, scope="ai"),
        span(OTHER, OUTER, scope="ai", at_s=105),
    ]
    line = counted(*(spans[index] for index in order))
    assert {call.span_id for call in line.counted} == {INNER, OTHER}
    assert {call.prompt_name for call in line.counted} == {"hero"}
    assert line.requests[0].input_tokens == 200


def test_a_call_of_another_kind_within_a_call_counts_beside_it() -> None:
    """A gateway that asks an embedding model for its cache."""
    line = counted(WRAPPER, span(INNER, OUTER, operation=Operation.EMBEDDINGS, usage=Usage(input_tokens=7)))
    assert line.requests[0].generations == 2


@pytest.mark.parametrize("operation", [Operation.IMAGE, Operation.EMBEDDINGS])
def test_image_and_embedding_calls_are_counted_once_as_well(operation: Operation) -> None:
    image = ImageParams(images=2) if operation is Operation.IMAGE else None
    fields = {"operation": operation, "image": image, "usage": Usage()}
    line = counted(WRAPPER | fields, CALL | fields)
    assert (len(line.counted), line.requests[0].images) == (1, image and 2)


@pytest.mark.parametrize("order", list(permutations(range(2))))
def test_two_instrumentations_of_one_client_report_one_call(order: tuple[int, ...]) -> None:
    spans = [
        span(INNER, scope="one", request_model="gpt-5-mini"),
        span(OTHER, scope="two", at_s=100.1, for_s=0.8, request_model="openai/gpt-5-mini-2026-01-01", session_id="s"),
    ]
    line = counted(*(spans[index] for index in order))
    assert [call.session_id for call in line.counted] == ["s"]
    assert line.duplicates == {"dual_written": 1}


@pytest.mark.parametrize(
    "change",
    [
        {"scope": "one"},
        {"at_s": 102},
        {"usage": Usage(input_tokens=100, output_tokens=21)},
        {"request_model": "other"},
    ],
)
def test_calls_that_are_only_alike_count_each(change: dict[str, Any]) -> None:
    line = counted(span(INNER, scope="one"), span(OTHER, **{"scope": "two", **change}))
    assert len(line.counted) == 2


def test_equal_calls_at_the_same_time_are_paired_one_to_one() -> None:
    ids = [bytes([number]) * 8 for number in range(10, 18)]
    line = counted(*(span(span_id, scope="one" if n % 2 else "two") for n, span_id in enumerate(ids)))
    assert len(line.counted) == 4


@pytest.mark.parametrize("order", list(permutations(range(2))))
@pytest.mark.parametrize("answer", [ANSWER, ""])
def test_two_traces_report_one_call(answer: str, order: tuple[int, ...]) -> None:
    """Neither instrumentation makes its span current: the inner one is all that its trace is about."""
    spans = [
        span(INNER, b"", trace=2, scope="sdk", answer=answer),
        span(OTHER, OUTER, trace=1, at_s=99, for_s=3, scope="framework", answer=answer, session_id="s"),
    ]
    line = counted(*(spans[index] for index in order))
    line.requests += line.wait(100)
    assert [(call.span_id, call.session_id, call.latency_s) for call in line.counted] == [(OTHER, "s", 1)]
    assert [request.generations for request in line.requests] == [1]


@pytest.mark.parametrize("order", list(permutations(range(2))))
@pytest.mark.parametrize("trace", [1, 2])
def test_a_stream_whose_usage_only_one_of_two_instrumentations_read_is_one_call(
    trace: int, order: tuple[int, ...]
) -> None:
    """LiteLLM's own span over the SDK's: it hands the raw answer on, so the SDK's instrumentation sees no end."""
    spans = [
        span(OTHER, b"", at_s=99, for_s=3, scope="gateway", answer=ANSWER),
        span(INNER, b"" if trace == 2 else b"\x77" * 8, trace=trace, for_s=0.2, scope="sdk", usage=Usage()),
    ]
    line = counted(*(spans[index] for index in order))
    line.requests += line.wait(100)
    assert [call.usage for call in line.counted] == [USED]
    assert line.duplicates == {"dual_written": 1}


@pytest.mark.parametrize("change", [{"at_s": 98.5}, {"request_model": "other"}, {"failure": Failure("500")}])
def test_one_without_usage_that_is_only_near_counts(change: dict[str, Any]) -> None:
    inner = {"scope": "sdk", "usage": Usage(), "for_s": 0.9}
    line = counted(span(OTHER, at_s=99, for_s=3, scope="gateway"), span(INNER, **{**inner, **change}))
    assert len(line.counted) == 2


def test_a_count_of_zero_may_be_left_out() -> None:
    """The output of embeddings."""
    fields: dict[str, Any] = {"operation": Operation.EMBEDDINGS, "scope": "two"}
    line = counted(
        span(INNER, **fields, usage=Usage(input_tokens=5, output_tokens=0)),
        span(OTHER, **fields | {"scope": "one"}, usage=Usage(input_tokens=5)),
    )
    assert len(line.counted) == 1


def test_a_late_span_of_a_call_that_was_counted_does_not_count() -> None:
    """Whether it is the wrapper, the inner call, the sum, or the same answer in another trace."""
    line = counted(CALL)
    late = [
        WRAPPER,
        span(OTHER, INNER),
        span(b"\x21" * 8, OUTER, operation=Operation.AGENT, for_s=9),
        span(b"\x22" * 8, b"", trace=2, answer=ANSWER),
    ]
    for sent in late:
        line.call(20, **sent)
    assert [request.generations for request in line.wait(90)] == [1], "its time is amended"
    assert len(line.counted) == 1
    assert line.duplicates == {"nested": 2, "aggregate": 1, "response_id": 1}


@pytest.mark.parametrize("order", list(permutations(range(2))))
def test_a_response_id_tells_that_two_spans_report_one_call(order: tuple[int, ...]) -> None:
    spans = [
        span(INNER, scope="one", answer=ANSWER),
        span(OTHER, scope="one", answer=ANSWER, at_s=99, for_s=3, usage=Usage(input_tokens=100, output_tokens=21)),
    ]
    line = counted(*(spans[index] for index in order))
    assert [call.usage for call in line.counted] == [USED]
    assert line.duplicates == {"response_id": 1}


@pytest.mark.parametrize("again", [ANSWER, ""])
def test_the_answer_of_a_span_that_came_twice_is_forgotten_with_its_trace(again: str) -> None:
    """P2, P3: else nothing would tell that two later spans report one call, or a replay would not know the same."""
    line = Gathering(settle_s=1, idle_s=4, late_s=20)
    sent = ((0, 1, OTHER, ANSWER), (1, 1, OTHER, again), (60, 2, INNER, ANSWER), (61, 3, OUTER, ANSWER))
    for at_s, trace, span_id, answer in sent:
        line.call(at_s, trace=trace, span_id=span_id, usage=USED, answer=answer)
    line.drain()
    later = [call for call in line.counted if call.span_id != OTHER]
    assert [call.usage for call in later] == [USED]


def test_a_number_or_a_short_text_is_no_response_id() -> None:
    """Local servers number their answers from a small range; a time of creation is sent as an id."""
    for answer in ("1790000000", "chatcmpl-735", "12345678901234567890"):
        assert len(counted(span(INNER, answer=answer), span(OTHER, answer=answer)).counted) == 2


@pytest.mark.parametrize("operation", [Operation.AGENT, Operation.WORKFLOW, Operation.OTHER, Operation.TOOL])
def test_the_usage_of_an_agent_is_that_of_its_calls(operation: Operation) -> None:
    line = counted(span(OUTER, operation=operation, for_s=5), CALL, span(OTHER, OUTER, at_s=102))
    assert {call.span_id for call in line.counted} == {INNER, OTHER}
    assert line.duplicates == {"aggregate": 1}


def test_calls_below_an_agent_are_found_by_time_if_a_span_between_them_says_nothing_of_models() -> None:
    line = counted(span(OUTER, operation=Operation.AGENT, for_s=5), span(INNER, b"\x77" * 8))
    assert [call.span_id for call in line.counted] == [INNER]


def test_the_usage_of_an_agent_counts_if_no_call_below_it_left_a_span() -> None:
    line = counted(span(OUTER, operation=Operation.WORKFLOW), span(INNER, OUTER, operation=Operation.AGENT))
    (call,) = line.counted
    assert (call.span_id, call.usage) == (INNER, USED)
    assert call.counting is not None
    assert call.counting.rules == ("aggregate_only",)


def test_the_usage_of_an_agent_goes_to_its_calls_if_they_know_none() -> None:
    line = counted(
        span(OUTER, operation=Operation.AGENT, for_s=5),
        span(INNER, OUTER, usage=Usage()),
        span(OTHER, OUTER, usage=Usage(), at_s=103),
    )
    assert {call.span_id: call.usage for call in line.counted} == {INNER: Usage(), OTHER: USED}


def test_an_images_agent_keeps_the_tokens_that_only_it_knows() -> None:
    line = counted(span(OUTER, operation=Operation.AGENT), CALL | {"operation": Operation.IMAGE, "usage": Usage()})
    assert len(line.counted) == 2
    assert line.requests[0].input_tokens == 100


def test_an_answer_that_no_span_reports_counts_by_its_wrapper() -> None:
    line = counted(WRAPPER, CALL | {"usage": Usage(), "failure": Failure("429"), "answer": ""})
    assert line.requests[0].input_tokens == 100


def test_every_rule_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "counting.md").read_text()
    assert [name for name in (*(rule.name for rule in RULES), RETRY, FALLBACK) if f"`{name}`" not in page] == []
