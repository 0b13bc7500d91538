"""Token counts: inclusive or not, by scope, by total, by what is impossible (P3; reference: oddities 5, 8)."""

import pytest

from spanwand.dialects.counting import exclusive
from spanwand.oddities import Oddity
from spanwand.token_counts import INCLUSIVE, MOST_TOKENS, Exclusive, settle

IN, OUT, READ, WROTE, THOUGHT = (
    *("input_tokens", "output_tokens", "cached_input_tokens"),
    *("cache_write_input_tokens", "reasoning_output_tokens"),
)


@pytest.mark.parametrize(
    ("sent", "total", "known", "expected", "odd"),
    [
        ({IN: 100, OUT: 9, READ: 60}, 109, INCLUSIVE, (100, 9), []),
        ({IN: 284, READ: 4767, WROTE: 2987}, None, INCLUSIVE, (8038, None), [Oddity.EXCLUSIVE_INPUT]),
        ({IN: 500, READ: 60}, None, Exclusive(input=True), (560, None), []),
        ({IN: 673, OUT: 167, READ: 7923, THOUGHT: 143}, 8906, INCLUSIVE, (8596, 310), []),
        ({IN: 0, OUT: 272}, 280, Exclusive(other_input=True), (8, 272), []),
        ({IN: 0, OUT: 0}, 0, INCLUSIVE, (None, None), []),
        ({IN: 284, OUT: 5, READ: 4767}, 289, INCLUSIVE, (5051, 5), [Oddity.EXCLUSIVE_INPUT]),
        ({IN: 726, OUT: 723}, 1513, Exclusive(unsaid=True), (726, 787), []),
        ({IN: 500, OUT: 20, READ: 60}, 580, INCLUSIVE, (560, 20), []),
        ({IN: 500, OUT: 20, THOUGHT: 60}, 580, INCLUSIVE, (500, 80), []),
        ({OUT: 20, THOUGHT: 60}, None, INCLUSIVE, (None, 80), [Oddity.EXCLUSIVE_OUTPUT]),
        ({IN: 5, OUT: 5}, 11, INCLUSIVE, (5, 5), [Oddity.WRONG_TOTAL]),
        ({IN: 5}, 11, INCLUSIVE, (5, None), []),
        ({IN: MOST_TOKENS + 1, OUT: 5}, None, INCLUSIVE, (None, 5), [Oddity.ABSURD_COUNT]),
    ],
)
def test_counts_include_their_parts(
    sent: dict[str, int],
    total: int | None,
    known: Exclusive,
    expected: tuple[int | None, int | None],
    odd: list[Oddity],
) -> None:
    settled = settle(sent, total, known)
    assert (sent.get(IN), sent.get(OUT)) == expected
    assert settled.oddities == odd


def test_instrumentations_known_to_leave_cached_tokens_out() -> None:
    assert exclusive("openlit.otel.tracing", "1.45.0", "anthropic").input
    assert exclusive("openlit.otel.tracing", "1.45.0", "openai") is INCLUSIVE
    assert exclusive("opentelemetry.instrumentation.anthropic", "0.62.4", "anthropic") is INCLUSIVE
