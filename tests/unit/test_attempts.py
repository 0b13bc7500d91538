"""P3: each try of a call leaves a row, the call counts once."""

from typing import Any

from tests.support.gathering import INNER, OTHER, OUTER, counted, span

from spanwand.record import Failure, Usage


def test_a_call_that_was_tried_again_is_one_call_with_two_attempts() -> None:
    """Each attempt leaves a row; the logical call counts once."""
    line = counted(
        span(OUTER, for_s=10),
        span(INNER, OUTER, usage=Usage(), failure=Failure("429")),
        span(OTHER, OUTER, at_s=102),
    )
    marks = {(call.counting.attempt, call.counting.is_retried) for call in line.counted if call.counting}
    assert marks == {(1, True), (2, False)}
    (request,) = line.requests
    assert (request.generations, request.retries, request.errors) == (1, 1, 0)


def test_a_call_whose_every_attempt_failed_is_one_error() -> None:
    failed: dict[str, Any] = {"usage": Usage(), "failure": Failure("500")}
    line = counted(*(span(bytes([9 + n]) * 8, at_s=100 + 2 * n, **failed) for n in range(3)))
    (request,) = line.requests
    assert (request.generations, request.retries, request.errors) == (1, 2, 1)


def test_a_failed_call_of_a_loop_was_not_tried_again() -> None:
    line = counted(
        span(INNER),
        span(OTHER, usage=Usage(), failure=Failure("500"), at_s=102),
        span(OUTER, at_s=104),
    )
    assert (line.requests[0].generations, line.requests[0].errors, line.requests[0].retries) == (3, 1, 0)


def test_another_model_that_answered_is_a_fallback() -> None:
    line = counted(
        span(INNER, usage=Usage(), failure=Failure("500"), request_model="a"),
        span(OTHER, at_s=102, request_model="b"),
    )
    (request,) = line.requests
    assert (request.generations, request.errors, request.fallbacks, request.retries) == (2, 1, 1, 0)
