"""P7: a trace's rows are kept together, with the highest probability that any sampler gives it, and weigh 1 by it."""

import logging
from typing import Any

import pytest
from tests.support.records import call, request, trace_id

from spanwand.batch import Verdict
from spanwand.config import SampleConfig
from spanwand.consistent import ALL, ALWAYS, NO_SHARE, RATED, Share, place_of, sent
from spanwand.ports import Sampled
from spanwand.record import Clean, Failure
from spanwand.request import Request
from spanwand.sample import Sample
from spanwand.traces.trace import Trace

SHARE = 1e-12
HIGH = 0xFFFFFFFFFFFFFF
"""Of the last 7 bytes of a trace id: it is kept with any share."""


def sample(**config: Any) -> Sample:
    return Sample(SampleConfig(**{"ratio": SHARE, "rare": 0} | config))


def trace(**fields: Any) -> Trace:
    return Trace(trace_id=trace_id(1), position=0, last_ns=0, begun_ns=0, begun_spans=0, begun_bytes=0, **fields)


def why(verdicts: list[Verdict]) -> set[tuple[bool, float, str]]:
    return {(verdict.keep, verdict.weight, verdict.reason) for verdict in verdicts}


@pytest.mark.parametrize(
    ("calls", "of", "reason"),
    [
        ([call(), call(failure=Failure("timeout"))], request(errors=1), "errors"),
        ([call()], request(errors=1), "errors"),
        ([call(failure=Failure("timeout")), call()], None, "errors"),
        ([call(), call(latency_s=30)], request(), "slow"),
        ([call()], request(latency_s=30), "slow"),
    ],
)
def test_one_record_that_is_always_kept_keeps_all_of_its_trace(
    calls: list[Clean], of: Request | None, reason: str
) -> None:
    assert why(sample()(calls, of)) == {(True, 1.0, reason)}


def test_the_rest_is_left_to_the_ratio() -> None:
    assert why(sample(ratio=0.25)([call(), call()], request())) == {(False, 4.0, "ratio")}


def test_a_ratio_of_one_keeps_everything_with_weight_one() -> None:
    assert why(sample(ratio=1.0)([call(trace=0)], request(trace=0))) == {(True, 1.0, "ratio")}


@pytest.mark.parametrize(("ratio", "kept"), [(0.5, 0x80000000000000), (0.25, 0xC0000000000000)])
def test_the_threshold_is_that_of_opentelemetry(ratio: float, kept: int) -> None:
    """R29: the last 56 bits of the trace id at or above (1 - ratio) * 2^56."""
    assert sample(ratio=ratio)([call(trace=kept)], None)[0].keep
    assert not sample(ratio=ratio)([call(trace=kept - 1)], None)[0].keep


@pytest.mark.parametrize(
    ("trace_state", "randomness", "threshold"),
    [
        ("ot=rv:80000000000000", 0x80000000000000, 0),
        ("vendor=x, ot=th:c;rv:0123456789abcd", 0x0123456789ABCD, 0xC0000000000000),
        ("ot=th:0", None, 0),
        ("ot=th:8000000000000f", None, 0x8000000000000F),
        ("ot=th:8000000000000f0", None, 0),
        ("ot=th:;rv:80", None, 0),
        ("ot=rv:8000000000000Z", None, 0),
        ("ot=rv:+8000000000000", None, 0),
        ("ot=th:c;", None, 0xC0000000000000),
        ("vendor=rv:80000000000000", None, 0),
        ("", None, 0),
    ],
)
def test_what_a_tracestate_says(trace_state: str, randomness: int | None, threshold: int) -> None:
    assert sent(trace_state) == (randomness, threshold)


def test_explicit_randomness_goes_before_the_trace_id() -> None:
    """R29: any span of the trace may say it."""
    calls = [call(trace=5), call(trace=5, trace_state="ot=rv:80000000000000")]
    assert (place_of(calls), place_of(calls[:1])) == (ALL - 0x80000000000000, ALL - 5)


SAMPLED: dict[str, Any] = {"trace": HIGH, "trace_state": "ot=th:c"}
"""Kept by its sender with probability 1/4."""


@pytest.mark.parametrize(("ratio", "weight"), [(1.0, 4.0), (0.5, 4.0), (0.25, 4.0), (0.125, 8.0)])
def test_what_was_sampled_before_is_not_multiplied(ratio: float, weight: float) -> None:
    """R29: both samplers look at the same number, so the smaller probability holds."""
    verdicts = sample(ratio=ratio)([call(**SAMPLED)], request(**SAMPLED))
    assert why(verdicts) == {(True, weight, "ratio")}


def test_an_error_that_was_sampled_before_stands_for_those_that_were_not_sent() -> None:
    assert why(sample()([call(**SAMPLED, failure=Failure("x"))], None)) == {(True, 4.0, "errors")}


def test_each_row_weighs_by_what_its_sender_did_and_by_how_it_was_found() -> None:
    """The sibling was sent with certainty, but kept for an error that is seen with probability 1/4."""
    sibling, failed = call(HIGH), call(**SAMPLED, failure=Failure("x"))
    weights = [verdict.weight for verdict in sample()([sibling, failed], request(**SAMPLED, errors=1))]
    assert weights == [4.0, 4.0, 4.0]
    assert [verdict.weight for verdict in sample(ratio=0.5)([sibling, failed], None)] == [2.0, 4.0]
    failed = call(HIGH, failure=Failure("x"))
    assert [verdict.weight for verdict in sample()([failed, call(**SAMPLED)], None)] == [1.0, 4.0]


def test_a_threshold_that_the_trace_does_not_meet_says_nothing() -> None:
    assert why(sample(ratio=1.0)([call(1, trace_state="ot=th:c")], None)) == {(True, 1.0, "ratio")}


def test_what_comes_later_of_a_trace_is_kept_with_what_came_before() -> None:
    held, chain = trace(), sample(ratio=0.5)
    assert why(chain([call(failure=Failure("x"))], None, held)) == {(True, 1.0, "errors")}
    assert why(chain([call()], request(), held)) == {(True, 1.0, "errors")}
    assert held.share == Share(ALL, ALWAYS, "errors")


def test_a_trace_that_was_judged_is_kept() -> None:
    assert why(sample()([call()], request(), trace(share=RATED))) == {(True, 1.0, "rated")}


def test_what_is_rare_is_kept_and_what_is_not_only_at_first() -> None:
    chain = sample(rare=2)
    common = [why(chain([call()], request())).pop()[2] for _ in range(4)]
    assert common == ["rare", "rare", "ratio", "ratio"]
    rare = [
        call(request_model="another"),
        call(finish_reasons=("content_filter",)),
        call(experiment="prompts", arm="b"),
    ]
    assert [why(chain([one], None)).pop()[2] for one in rare for _ in range(3)] == ["rare", "rare", "ratio"] * 3
    chain.rows_handed_over()
    assert why(chain([call()], None)) == {(True, 1.0, "rare")}


def test_what_was_counted_in_an_interval_does_not_hold_for_the_next() -> None:
    """A replay may begin in the middle of an interval, with a trace that has calls in the next one too."""
    held, chain = trace(), sample(rare=1)
    chain([call()], None, held)
    assert held.share == Share(round(SHARE * ALL), SHARE, "ratio")


def test_calls_above_a_percentile_of_their_model_are_kept() -> None:
    chain = sample(slow_percentile=95)
    for number in range(100):
        assert why(chain([call(latency_s=1 + number / 100)], None)).pop()[2] == "ratio"
    assert why(chain([call(latency_s=1.98)], None)) == {(True, 1.0, "outliers")}
    assert why(chain([call(latency_s=1.9)], None)).pop()[2] == "ratio"
    assert why(chain([call(latency_s=1.98, request_model="another")], None)).pop()[2] == "ratio"


@pytest.mark.parametrize("by", ["service", "model", "session_id", "user"])
def test_of_what_there_is_much_less_is_kept(by: str) -> None:
    chain = sample(ratio=0.5, limit_by=by, limit=2)
    one = call(session_id="s", user="u")
    assert [chain([one], request(session_id="s"))[0].weight for _ in range(5)] == [2, 2, 3, 4, 5]


def test_a_sampler_that_raises_keeps_the_row_and_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: Sampled) -> float:
        raise RuntimeError("no")

    chain = Sample(SampleConfig(), {"broken": lambda _: broken}, {})
    with caplog.at_level(logging.ERROR):
        assert why([chain([call(trace=number)], None)[0] for number in range(3)]) == {(True, 1.0, "broken_failed")}
    assert len(caplog.records) == 1


def test_if_no_sampler_answers_the_row_is_kept() -> None:
    chain = Sample(SampleConfig(), {"silent": lambda _: lambda _: 0.0, "off": lambda _: None}, {})
    assert why(chain([call()], None)) == {(True, 1.0, "default")}
    assert chain([], None) == []
    assert NO_SHARE.priority == 0
