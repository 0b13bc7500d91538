"""Spans of serving engines, made by hand from their documented attributes: they need a GPU to be captured.

Asks the stand-in what a client would, then sends the span that the engine would. Run: `engine.py ENGINE CASE`.
"""

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

import openai
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind

from tests.golden.programs.conversation import LONG_STORY, PROMPT, SYSTEM

SECOND_NS = 1_000_000_000
START_NS, END_NS = 1_790_000_000 * SECOND_NS, 1_790_000_002 * SECOND_NS
SYSTEM_MESSAGE, MESSAGE = {"role": "system", "content": SYSTEM}, {"role": "user", "content": PROMPT}
ASKED: Mapping[str, Mapping[str, Any]] = {
    "chat": {"model": "gpt-4o-mini", "messages": [SYSTEM_MESSAGE, MESSAGE]},
    "cached": {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": LONG_STORY}]},
}
LATENCIES = {
    "gen_ai.latency.time_in_queue": 0.25,
    "gen_ai.latency.time_to_first_token": 0.5,
    "gen_ai.latency.e2e": 2.0,
    "gen_ai.latency.time_in_model_prefill": 0.25,
    "gen_ai.latency.time_in_model_decode": 1.5,
    "gen_ai.latency.time_in_model_inference": 1.75,
}
"""Seconds."""
REQUEST = {
    "gen_ai.request.max_tokens": 100,
    "gen_ai.request.temperature": 0.5,
    "gen_ai.request.top_p": 0.9,
    "gen_ai.request.n": 1,
}
Attributes = dict[str, Any]


def counts(answer: Any) -> Attributes:
    """The two counts that every version writes."""
    return {
        "gen_ai.request.id": answer.id,
        "gen_ai.usage.prompt_tokens": answer.usage.prompt_tokens,
        "gen_ai.usage.completion_tokens": answer.usage.completion_tokens,
    }


def vllm(answer: Any) -> Attributes:
    """vLLM with its V1 engine: no name of the model, no cached tokens."""
    return counts(answer) | REQUEST | LATENCIES


def vllm_v0(answer: Any) -> Attributes:
    """vLLM before: the model, and three phases more, of which the forward pass is in milliseconds."""
    more = {
        "gen_ai.response.model": answer.model,
        "gen_ai.usage.num_sequences": 1,
        "gen_ai.latency.time_in_scheduler": 0.02,
        "gen_ai.latency.time_in_model_forward": 1600.0,
        "gen_ai.latency.time_in_model_execute": 1.7,
    }
    return counts(answer) | REQUEST | dict(list(LATENCIES.items())[:3]) | more


def sglang(answer: Any) -> Attributes:
    """SGLang: cached tokens, the model, finish reasons as a JSON text."""
    more = {
        "gen_ai.usage.cached_tokens": answer.usage.prompt_tokens_details.cached_tokens,
        "gen_ai.response.model": answer.model,
        "gen_ai.response.finish_reasons": json.dumps([answer.choices[0].finish_reason]),
    }
    return counts(answer) | REQUEST | LATENCIES | more


ENGINES: Mapping[str, tuple[str, str, Callable[[Any], Attributes]]] = {
    "vllm": ("vllm.llm_engine", "llm_request", vllm),
    "vllm-v0": ("vllm.llm_engine", "llm_request", vllm_v0),
    "sglang": ("sglang server", "Req", sglang),
}
"""Scope, span name and attributes."""

if __name__ == "__main__":
    scope, name, attributes = ENGINES[sys.argv[1]]
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
    answered = openai.OpenAI().chat.completions.create(**ASKED[sys.argv[2]])
    span = provider.get_tracer(scope).start_span(
        name, kind=SpanKind.SERVER, start_time=START_NS, attributes=attributes(answered)
    )
    span.end(END_NS)
    provider.shutdown()
