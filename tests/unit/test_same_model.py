"""P3: names of one model, and of two that merely begin alike."""

import pytest
from tests.support.gathering import INNER, OTHER, OUTER, counted, span
from tests.support.records import call

from spanwand.record import Failure, Usage
from spanwand.traces.same_model import is_same_model

ALIKE = [
    ("gpt-4o", "gpt-4o"),
    ("gpt-4o", "gpt-4o-2024-08-06"),
    ("gpt-5-mini", "openai/gpt-5-mini-2026-01-01"),
    ("gpt-4", "gpt-4-0613"),
    ("gpt-4", "gpt-4-1106-preview"),
    ("claude-haiku-4-5", "claude-haiku-4-5-20251001"),
    ("claude-3-5-sonnet", "claude-3-5-sonnet@20240620"),
    ("anthropic.claude-3-5-sonnet", "anthropic.claude-3-5-sonnet-20240620-v1:0"),
    ("gemini-1.5-pro", "models/gemini-1.5-pro-002"),
    ("gemini-2.5-pro", "gemini-2.5-pro-preview-05-06"),
    ("llama3", "llama3:latest"),
]
OTHERS = [
    ("gpt-4o", "gpt-4o-mini"),
    ("gpt-5", "gpt-5-mini-2026-01-01"),
    ("gpt-4", "gpt-4.1"),
    ("gpt-4", "gpt-4-32k"),
    ("claude-sonnet-4", "claude-sonnet-4-5"),
    ("gemini-2.5-flash", "gemini-2.5-flash-lite"),
    ("gemini-2.5-flash", "gemini-2.5-flash-image"),
    ("llama-3.1", "llama-3.1-405b"),
    ("o1", "o1-pro"),
]


@pytest.mark.parametrize(("one", "other", "same"), [(*pair, True) for pair in ALIKE] + [(*p, False) for p in OTHERS])
def test_names_of_models(one: str, other: str, *, same: bool) -> None:
    assert is_same_model(call(request_model=one), call(request_model=other)) is same
    assert is_same_model(call(request_model=other), call(request_model=one)) is same


def test_a_model_that_is_not_known_may_be_any() -> None:
    assert is_same_model(call(request_model=""), call(request_model="gpt-4o"))


def test_equal_calls_of_two_models_with_alike_names_count_each() -> None:
    """Two arms of a comparison, one under each of two instrumentations."""
    line = counted(
        span(INNER, scope="one", request_model="gpt-4o"), span(OTHER, scope="two", request_model="gpt-4o-mini")
    )
    assert len(line.counted) == 2


def test_a_try_is_known_by_a_dated_name_too() -> None:
    """OpenInference's name of the model is the one asked for, until the answer names another."""
    line = counted(
        span(OUTER, for_s=10),
        span(INNER, OUTER, usage=Usage(), failure=Failure("429"), request_model="", response_model="gpt-4o"),
        span(OTHER, OUTER, at_s=102, request_model="", response_model="gpt-4o-2024-08-06"),
    )
    assert (line.requests[0].retries, line.requests[0].fallbacks) == (1, 0)
