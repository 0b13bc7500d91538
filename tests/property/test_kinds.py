"""P3: calls of one kind are made from what the first of them had in common with all. That changes none of them."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.spans import parsed

from spanwand.normalise import Normalise
from spanwand.span import AttributeValue, Span, SpanEvent, SpanResource

ATTRIBUTES: dict[str, st.SearchStrategy[AttributeValue]] = {
    "gen_ai.operation.name": st.sampled_from(["chat", "embeddings", "image_generation"]),
    "gen_ai.request.model": st.sampled_from(["gpt-4o", "claude-3", "gpt-image-1"]),
    "gen_ai.request.temperature": st.sampled_from([0, 0.0, -0.0, True, "1", 1.0]),
    "gen_ai.request.stream": st.booleans(),
    "gen_ai.response.id": st.sampled_from(["a", "b", "7"]),
    "gen_ai.response.finish_reasons": st.sampled_from([("stop",), ("length", "stop"), '["stop"]']),
    "gen_ai.conversation.id": st.sampled_from(["c1", 2]),
    "gen_ai.usage.input_tokens": st.sampled_from([0, 5, 2**60]),
    "gen_ai.usage.output_tokens": st.sampled_from([0, 7]),
    "gen_ai.usage.cache_read.input_tokens": st.sampled_from([3, 9]),
    "gen_ai.usage.total_tokens": st.sampled_from([12, 15]),
    "gen_ai.response.time_to_first_chunk": st.sampled_from([0.5, "2"]),
    "gen_ai.input.messages": st.sampled_from(["[]", "hi"]),
    "gen_ai.request.seed": st.integers(1, 2),
    "error.type": st.sampled_from(["timeout", "429"]),
    "spanwand.arm": st.sampled_from(["a", 1, 1.0, True]),
    "spanwand.gpu": st.sampled_from(["0", "GPU-1"]),
    "comic.id": st.sampled_from([1, 1.0, True, "1"]),
}
SPANS = st.builds(
    Span,
    trace_id=st.just(b"\1" * 16),
    span_id=st.sampled_from([b"\2" * 8, b"\3" * 8]),
    name=st.sampled_from(["chat", "embed", "images"]),
    start_ns=st.just(1),
    end_ns=st.sampled_from([0, 9]),
    attributes=st.fixed_dictionaries({}, optional=ATTRIBUTES).map(parsed),
    events=st.sampled_from([(), (SpanEvent("exception", 5, {"exception.type": "E"}),)]),
    resource=st.builds(
        SpanResource,
        attributes=st.sampled_from([parsed({}), parsed({"service.name": "s", "comic.id": 2})]),
        scope_name=st.sampled_from(["", "openlit", "langfuse"]),
    ),
    status_is_error=st.booleans(),
    status_message=st.sampled_from(["", "late"]),
    dropped_attributes=st.sampled_from([0, 1]),
)
NORMALISE = Normalise(("comic.id",))
"""Knows the kinds of all examples before."""


@given(SPANS)
@settings(max_examples=200)
def test_what_was_learnt_from_other_spans_makes_no_difference(span: Span) -> None:
    first = Normalise(("comic.id",))
    before = NORMALISE.oddities.copy()
    assert repr(NORMALISE(span)) == repr(first(span)), "1, 1.0 and True are equal, and look different"
    assert NORMALISE.oddities - before == first.oddities
