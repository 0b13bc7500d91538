"""P7: rows are kept by the first sampler that answers, with the weight that makes their totals unbiased."""

import logging

import pytest
from tests.support.records import call, request

from spanwand.batch import Verdict
from spanwand.config import SampleConfig
from spanwand.record import Clean, Failure
from spanwand.request import Request
from spanwand.sample import Sample
from spanwand.samplers.ratio import randomness

NEVER = SampleConfig(ratio=1e-12, slow_s=30)


@pytest.mark.parametrize("record", [call(failure=Failure("timeout")), request(errors=1)])
def test_errors_are_always_kept(record: Clean | Request) -> None:
    assert Sample(NEVER)(record) == Verdict(keep=True, weight=1.0, reason="errors")


@pytest.mark.parametrize("record", [call(latency_s=30), request(latency_s=30)])
def test_slow_ones_are_always_kept(record: Clean | Request) -> None:
    assert Sample(NEVER)(record) == Verdict(keep=True, weight=1.0, reason="slow")


def test_the_rest_is_left_to_the_ratio() -> None:
    verdict = Sample(SampleConfig(ratio=0.25))(call(trace=1))
    assert verdict == Verdict(keep=False, weight=4.0, reason="ratio")


def test_a_ratio_of_one_keeps_everything_with_weight_one() -> None:
    assert Sample(SampleConfig())(call(trace=0)) == Verdict(keep=True, weight=1.0, reason="ratio")


@pytest.mark.parametrize(("ratio", "kept"), [(0.5, 0x80000000000000), (0.25, 0xC0000000000000)])
def test_the_threshold_is_that_of_opentelemetry(ratio: float, kept: int) -> None:
    """R29: the last 56 bits of the trace id at or above (1 - ratio) * 2^56."""
    sample = Sample(SampleConfig(ratio=ratio))
    assert sample(call(trace=kept)).keep
    assert not sample(call(trace=kept - 1)).keep


@pytest.mark.parametrize(
    ("trace_state", "bits"),
    [
        ("ot=rv:80000000000000", 0x80000000000000),
        ("vendor=x, ot=th:c;rv:0123456789abcd", 0x0123456789ABCD),
        ("ot=rv:80", 5),
        ("ot=rv:8000000000000Z", 5),
        ("ot=rv:+8000000000000", 5),
        ("vendor=rv:80000000000000", 5),
        ("", 5),
    ],
)
def test_explicit_randomness_is_honoured(trace_state: str, bits: int) -> None:
    assert randomness((5).to_bytes(16, "big"), trace_state) == bits


def test_a_sampler_that_raises_keeps_the_row_and_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: Clean | Request) -> Verdict | None:
        raise RuntimeError("no")

    sample = Sample(SampleConfig(), {"broken": broken})
    with caplog.at_level(logging.ERROR):
        verdicts = {sample(call(trace=number)) for number in range(3)}
    assert verdicts == {Verdict(keep=True, weight=1.0, reason="broken_failed")}
    assert len(caplog.records) == 1


def test_if_no_sampler_answers_the_row_is_kept() -> None:
    assert Sample(SampleConfig(), {"silent": lambda _: None})(call()).keep
