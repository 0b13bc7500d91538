"""P7, R28-R31: sampled rows estimate totals without bias, every process decides alike, metrics see everything."""

import math
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.journals import Frame, journals, run
from tests.support.records import call, request

from spanwand.batch import RunKey, Verdict
from spanwand.config import LineConfig, SampleConfig
from spanwand.consistent import ALL, place_of
from spanwand.record import Clean, Failure
from spanwand.sample import Sample

RATIOS = st.floats(min_value=1e-6, max_value=1)
TRACES = st.integers(0, 2**128 - 1)
STATES = st.sampled_from(["", "", "ot=th:8", "ot=th:c", "ot=rv:c0000000000000", "ot=th:c;rv:e0000000000000"])


def sample(ratio: float) -> Sample:
    return Sample(SampleConfig(ratio=ratio, rare=0))


def decide(ratio: float, trace: int, **fields: Any) -> Verdict:
    (verdict,) = sample(ratio)([call(trace, **fields)], None)
    return verdict


@given(RATIOS, RATIOS, TRACES)
def test_a_smaller_ratio_keeps_a_subset(first: float, second: float, trace: int) -> None:
    smaller, larger = sorted((first, second))
    if decide(smaller, trace).keep:
        assert decide(larger, trace).keep


@given(RATIOS, TRACES)
def test_calls_and_their_request_are_kept_together(ratio: float, trace: int) -> None:
    assert len(set(sample(ratio)([call(trace), call(trace)], request(trace)))) == 1


@given(RATIOS)
def test_the_weight_is_one_by_the_probability(ratio: float) -> None:
    assert math.isclose(decide(ratio, 1).weight, 1 / ratio, rel_tol=1e-6)


@given(RATIOS, TRACES, st.integers(0, ALL - 1))
def test_two_samplers_in_a_row_are_the_stricter_one(ratio: float, trace: int, threshold: int) -> None:
    """R29: weights never multiply. What the first one lets pass is kept, and weighs, as if there were only one."""
    upstream = (ALL - threshold) / ALL
    if place_of([call(trace)]) <= ALL - threshold:
        found = decide(ratio, trace, trace_state=f"ot=th:{threshold:014x}")
        alone = decide(min(ratio, upstream), trace)
        assert found.keep == decide(ratio, trace).keep
        assert math.isclose(found.weight, alone.weight)


@st.composite
def traces(draw: st.DrawFn) -> list[Clean]:
    number, fails, seconds = draw(TRACES), st.sampled_from([None, Failure("x")]), st.sampled_from([1, 1, 40])
    some = draw(st.lists(st.tuples(fails, seconds, STATES), min_size=1, max_size=5))
    return [call(number, failure=failed, latency_s=s, trace_state=state) for failed, s, state in some]


@given(traces(), RATIOS, st.randoms(use_true_random=False))
def test_the_order_of_a_traces_spans_does_not_matter(calls: list[Clean], ratio: float, dice: random.Random) -> None:
    """R29."""
    in_order = sample(ratio)(calls, None)
    order = dice.sample(range(len(calls)), len(calls))
    assert sample(ratio)([calls[number] for number in order], None) == [in_order[number] for number in order]


DECIDED_ELSEWHERE = """
from tests.support.records import call
from spanwand.batch import RunKey
from spanwand.config import LineConfig, SampleConfig
from spanwand.sample import Sample
sample = Sample(SampleConfig(ratio=0.3, rare=0))
print(*(int(sample([call((number * 0x9E3779B97F4A7C15) % 2**64)], None)[0].keep) for number in range(1000)))
"""


def test_another_process_decides_alike() -> None:
    """R29: nothing of a process takes part, such as the seed of its hashes."""
    root = Path(__file__).parents[2]
    runs = [
        subprocess.run(
            [sys.executable, "-c", DECIDED_ELSEWHERE],
            check=True,
            capture_output=True,
            text=True,
            cwd=root,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    ]
    here = (decide(0.3, (number * 0x9E3779B97F4A7C15) % 2**64).keep for number in range(1000))
    assert runs == [" ".join(str(int(keep)) for keep in here) + "\n"] * 2


@pytest.mark.parametrize("ratio", [0.5, 0.1, 0.01, 0.001])
def test_totals_are_unbiased(ratio: float) -> None:
    """R28: within 4 standard deviations, for 20 seeds; R30: with strata that are always kept."""
    n, scores = 5_000, []
    for seed in range(20):
        chain, rng = sample(ratio), random.Random(seed)
        verdicts = [
            chain([call(rng.getrandbits(128), failure=Failure("x") if number % 10 == 0 else None)], None)[0]
            for number in range(n)
        ]
        assert all(verdict.keep and verdict.weight == 1 for verdict in verdicts[::10])
        estimate = sum(verdict.weight for verdict in verdicts if verdict.keep)
        scores.append((estimate / n - 1) / math.sqrt(0.9 * (1 - ratio) / (ratio * n)))
    assert max(map(abs, scores)) <= 4
    assert abs(sum(scores)) / math.sqrt(len(scores)) <= 3


def points(config: SampleConfig, frames: list[Frame]) -> dict[tuple[int, RunKey], dict[str, float]]:
    found: dict[tuple[int, RunKey], dict[str, float]] = {}
    for batch in run(LineConfig(sample=config), frames):
        for update in batch.updates:
            found.setdefault((batch.start_ns, update.run), {}).update(update.points)
    return {key: some for key, some in found.items() if some}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(journals())
def test_metrics_do_not_depend_on_what_is_sampled(frames: list[Frame]) -> None:
    """R31: exactly, with rows thinned by a ratio, by key and to a budget of one."""
    few = SampleConfig(ratio=0.01, slow_s=1e6, rare=0, limit_by="model", limit=1, rows_per_minute=1)
    assert points(few, frames) == points(SampleConfig(), frames)
