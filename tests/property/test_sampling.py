"""P7, R28-R30: sampled rows estimate totals without bias, and every process decides alike about a trace."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.records import call, request

from spanwand.config import SampleConfig
from spanwand.record import Failure
from spanwand.sample import Sample

RATIOS = st.floats(min_value=1e-6, max_value=1)
TRACES = st.integers(0, 2**128 - 1)


@given(RATIOS, RATIOS, TRACES)
def test_a_smaller_ratio_keeps_a_subset(first: float, second: float, trace: int) -> None:
    smaller, larger = sorted((first, second))
    if Sample(SampleConfig(ratio=smaller))(call(trace)).keep:
        assert Sample(SampleConfig(ratio=larger))(call(trace)).keep


@given(RATIOS, TRACES)
def test_calls_and_their_request_are_kept_together(ratio: float, trace: int) -> None:
    sample = Sample(SampleConfig(ratio=ratio))
    assert sample(call(trace)) == sample(request(trace)) == Sample(SampleConfig(ratio=ratio))(call(trace))


@given(RATIOS)
def test_the_weight_is_one_by_the_probability(ratio: float) -> None:
    assert math.isclose(Sample(SampleConfig(ratio=ratio))(call(1)).weight, 1 / ratio, rel_tol=1e-6)


@pytest.mark.parametrize("ratio", [0.5, 0.1, 0.01])
def test_totals_are_unbiased(ratio: float) -> None:
    """R28: within 4 standard deviations, for 20 seeds; R30: with a stratum that is always kept."""
    n, scores = 5_000, []
    for seed in range(20):
        sample, rng = Sample(SampleConfig(ratio=ratio)), random.Random(seed)
        verdicts = [
            sample(call(rng.getrandbits(128), failure=Failure("x") if number % 10 == 0 else None))
            for number in range(n)
        ]
        estimate = sum(verdict.weight for verdict in verdicts if verdict.keep)
        scores.append((estimate / n - 1) / math.sqrt(0.9 * (1 - ratio) / (ratio * n)))
    assert max(map(abs, scores)) <= 4
    assert abs(sum(scores)) / math.sqrt(len(scores)) <= 3
