"""Quantiles are within the error that the metrics promise, however the values are split and ordered (design §5)."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanwand.sketch import LARGEST, RELATIVE_ERROR, SMALLEST, Sketch

VALUES = st.lists(st.floats(min_value=0, max_value=LARGEST) | st.integers(0, 1_000), min_size=1, max_size=300)
PERCENTILES = st.integers(0, 100)


def sketch_of(values: list[float]) -> Sketch:
    sketch = Sketch()
    sketch.add(values)
    return sketch


@given(VALUES, PERCENTILES)
def test_the_error_is_bounded(values: list[float], percentile: int) -> None:
    rank = percentile / 100 * (len(values) - 1)
    low, high = sorted(values)[math.floor(rank)], sorted(values)[math.ceil(rank)]
    estimate = sketch_of(values).quantiles([percentile])[percentile]
    assert low * (1 - RELATIVE_ERROR) - SMALLEST <= estimate * (1 + 1e-9)
    assert estimate * (1 - 1e-9) <= high * (1 + RELATIVE_ERROR)


@given(VALUES, VALUES, PERCENTILES)
def test_merging_is_adding(first: list[float], second: list[float], percentile: int) -> None:
    merged = sketch_of(first)
    merged.merge(sketch_of(second))
    assert merged.quantiles([percentile]) == sketch_of(second + first).quantiles([percentile])


def test_nothing_has_no_quantile() -> None:
    assert Sketch().quantiles([50]) == {}


@pytest.mark.parametrize("value", [0, SMALLEST / 2])
def test_the_smallest_count_as_zero(value: float) -> None:
    assert sketch_of([value]).quantiles([50]) == {50: 0.0}


@given(VALUES, PERCENTILES)
def test_no_quantile_lies_outside_what_was_seen(values: list[float], percentile: int) -> None:
    estimate = sketch_of(values).quantiles([percentile])[percentile]
    assert estimate == 0 or min(values) <= estimate <= max(values)
    assert sketch_of([1, 1, 1]).quantiles([percentile]) == {percentile: 1}
