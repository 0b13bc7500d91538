"""Dialects: which one a span is in, what its events and documents say, which of its spans is the call (P3, P4).

Keys as the packages write them; whole spans of the real packages are in `tests/golden`.
"""

import json

import pytest
from tests.support.spans import CHAT, call, span

from spanwand.normalise import Normalise
from spanwand.oddities import Oddity
from spanwand.operations import Operation
from spanwand.record import Usage
from spanwand.span import AttributeValue, Span, SpanEvent


@pytest.mark.parametrize(
    ("attributes", "dialect", "operation"),
    [
        ({"openinference.span.kind": "LLM", "llm.model_name": "m"}, "openinference", Operation.CHAT),
        ({"openinference.span.kind": "CHAIN"}, "openinference", Operation.WORKFLOW),
        ({"openinference.span.kind": "RERANKER"}, "openinference", Operation.RERANK),
        ({"ai.operationId": "ai.generateText"}, "vercel", Operation.WORKFLOW),
        ({"ai.operationId": "ai.generateText.doGenerate"}, "vercel", Operation.CHAT),
        ({"ai.operationId": "ai.embedMany.doEmbed"}, "vercel", Operation.EMBEDDINGS),
        ({"ai.operationId": "ai.toolCall"}, "vercel", Operation.TOOL),
        ({"traceloop.span.kind": "workflow"}, "openllmetry", Operation.WORKFLOW),
        ({"llm.request.type": "completion", "gen_ai.system": "OpenAI"}, "openllmetry", Operation.TEXT_COMPLETION),
        ({"langfuse.observation.type": "generation"}, "langfuse", Operation.CHAT),
        ({"langfuse.observation.type": "agent"}, "langfuse", Operation.AGENT),
        ({"mlflow.spanType": '"CHAT_MODEL"'}, "mlflow", Operation.CHAT),
        ({"mlflow.spanType": '"CHAIN"'}, "mlflow", Operation.WORKFLOW),
        ({"langsmith.span.kind": "llm"}, "langsmith", Operation.CHAT),
        ({"fi.span.kind": "LLM", "gen_ai.image.steps": 30}, "traceai", Operation.CHAT),
        ({**CHAT, "gen_ai.latency.e2e": 1.5}, "engine", Operation.CHAT),
        ({**CHAT, "diffusion.steps": 3, "openinference.span.kind": "LLM"}, "diffusion", Operation.CHAT),
    ],
)
def test_the_most_specific_dialect_names_the_span(
    attributes: dict[str, AttributeValue], dialect: str, operation: Operation
) -> None:
    generation = call(attributes)
    assert (generation.dialect, generation.operation) == (dialect, operation)


def test_a_request_that_is_only_prepared_is_no_call() -> None:
    """OpenInference for LlamaIndex, in `tests/golden/nested`."""
    prepared = call({"openinference.span.kind": "LLM"}, name="OpenAI._prepare_chat_with_tools")
    assert prepared.operation is Operation.OTHER


def test_a_kind_of_span_that_is_no_call_is_none() -> None:
    assert Normalise()(span({"openinference.span.kind": "UNKNOWN"})) is None
    assert Normalise()(span({"langfuse.observation.type": "span"})) is None


def test_dual_written_figures_are_read_once() -> None:
    """OPENINFERENCE_ENABLE_GENAI_SEMCONV writes both (peers 2.4)."""
    generation = call(
        {
            **CHAT,
            "openinference.span.kind": "LLM",
            "llm.token_count.prompt": 100,
            "gen_ai.usage.input_tokens": 100,
            "llm.token_count.completion": 5,
            "gen_ai.usage.output_tokens": 5,
        }
    )
    assert generation.usage == Usage(input_tokens=100, output_tokens=5)
    assert generation.sources["usage.input_tokens"] in {"llm.token_count.prompt", "gen_ai.usage.input_tokens"}


def test_usage_in_documents() -> None:
    langfuse: dict[str, AttributeValue] = {
        "langfuse.observation.type": "generation",
        "langfuse.observation.model.name": "gpt-4o",
        "langfuse.observation.usage_details": json.dumps(
            {"input": 673, "output": 167, "total": 8906, "input_cache_read": 7923, "output_reasoning": 143}
        ),
    }
    usage = call(langfuse).usage
    assert (usage.input_tokens, usage.output_tokens) == (8596, 310)
    litellm = {**CHAT, "metadata.usage_object": "{'prompt_tokens_details': {'cached_tokens': 7, 'audio': None}}"}
    read = call(litellm)
    assert read.usage.cached_input_tokens == 7
    assert read.sources["usage.cached_input_tokens"] == "metadata.usage_object#prompt_tokens_details/cached_tokens"


def test_the_time_to_the_first_token_in_every_unit() -> None:
    start_ns = 1_790_000_000_000_000_000
    happened = SpanEvent("First Token Stream Event", start_ns + 250_000_000, {})
    by_event = call({"openinference.span.kind": "LLM"}, start_ns=start_ns, events=(happened,))
    in_ms = call({"ai.operationId": "ai.streamText.doStream", "ai.response.msToFirstChunk": 250})
    as_moment = call(
        {
            "langfuse.observation.type": "generation",
            "langfuse.observation.completion_start_time": '"2026-09-21T14:13:20.250000Z"',
        },
        start_ns=start_ns,
    )
    for generation in (by_event, in_ms, as_moment):
        assert generation.timing.ttft_s == pytest.approx(0.25)


def test_content_in_span_events() -> None:
    events = (
        SpanEvent("gen_ai.user.message", 1, {"content": "hi"}),
        SpanEvent("gen_ai.tool.message", 2, {"content": "rain", "id": "c1"}),
        SpanEvent("gen_ai.choice", 3, {"gen_ai.event.content": '{"message": "ho"}'}),
        SpanEvent("cache.miss", 3, {}),
    )
    generation = call(CHAT, events=events)
    assert json.loads(generation.content.input) == ["hi", {"role": "tool", "content": "rain", "id": "c1"}]
    assert json.loads(generation.content.output) == {"message": "ho"}
    details = SpanEvent("gen_ai.client.inference.operation.details", 1, {"gen_ai.input.messages": '[{"role": "user"}]'})
    assert call(CHAT, events=(details,)).content.input == '[{"role": "user"}]'


def test_content_stored_elsewhere_is_a_uri_that_grants_nothing() -> None:
    """P6: signed URLs carry their key in the query."""
    generation = call({**CHAT, "gen_ai.input.messages_ref": "s3://me:secret@bucket/a/b.json?X-Amz-Signature=abc#x"})
    assert generation.content.input_ref == "s3://bucket/a/b.json"


def test_a_timestamp_is_no_response_id() -> None:
    """OpenLIT's image spans (reference/oddities.md 3)."""
    assert call({**CHAT, "gen_ai.response.id": "1790000000"}).response_id == ""


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (("tool_calls",), ("tool_call",)),
        ("tool-calls", ("tool_call",)),
        (("end_turn", "max_tokens"), ("stop", "length")),
        ("FinishReason.MAX_TOKENS", ("length",)),
        ("SAFETY", ("content_filter",)),
        ("bored", ("other",)),
    ],
)
def test_finish_reasons(sent: AttributeValue, expected: tuple[str, ...]) -> None:
    assert call({**CHAT, "gen_ai.response.finish_reasons": sent}).finish_reasons == expected


def test_documents_retrieved() -> None:
    documents = [{"id": "a", "score": 0.9}, {"id": "b", "score": 0.4}]
    retrieval = call(
        {"gen_ai.operation.name": "retrieval", "gen_ai.retrieval.documents": json.dumps(documents)}
    ).retrieval
    assert (retrieval.documents, retrieval.scores) == (2, (0.9, 0.4))


def test_what_is_odd_is_counted() -> None:
    normalise = Normalise()
    odd: dict[str, AttributeValue] = {**CHAT, "gen_ai.usage.input_tokens": 5, "gen_ai.usage.cache_read.input_tokens": 9}
    sent: Span = span(odd, dropped_attributes=3)
    normalise(sent)
    assert normalise.oddities == {Oddity.EXCLUSIVE_INPUT: 1, Oddity.ATTRIBUTES_DROPPED: 1}


def test_a_stream_under_logfire_is_the_span_at_its_end() -> None:
    """reference/oddities.md 11."""
    asked: dict[str, AttributeValue] = {**CHAT, "request_data": '{"model": "gpt-4o"}', "logfire.span_type": "span"}
    ended: dict[str, AttributeValue] = {**asked, "logfire.span_type": "log", "duration": 0.5}
    assert call(asked).operation is Operation.OTHER
    generation = call(ended, start_ns=10**9, end_ns=10**9)
    assert (generation.operation, generation.latency_s) == (Operation.CHAT, 0.5)
    assert call({**asked, "error.type": "429"}).operation is Operation.CHAT
