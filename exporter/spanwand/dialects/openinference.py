"""OpenInference (Arize), Python and JavaScript: a span kind, `llm.*`, and lists flattened into keys with an index.

Ids, and figures that have no key of their own, are only inside the JSON of the raw answer, `output.value`.
"""

from spanwand.dialects.events import first
from spanwand.dialects.parsers import (
    content,
    count,
    identifier,
    integer,
    length,
    number,
    numbers,
    pictures,
    positive,
    positive_count,
    positive_length,
    scalar_text,
    size,
    text,
)
from spanwand.dialects.table import Dialect, Source, inside, keys
from spanwand.dialects.vocabulary import finish_reasons, provider, service_tier, span_kind

_PARAMETERS = "llm.invocation_parameters"
_ANSWER = "output.value"
_FIRST_TOKEN = "event:First Token Stream Event"  # noqa: S105  no secret

NOT_CALLS = ("._prepare_chat_with_tools",)
"""How names of spans end that say `LLM` and are of a method which only makes the request: LlamaIndex."""

OPENINFERENCE = Dialect(
    name="openinference",
    markers=frozenset({"openinference.span.kind"}),
    signs=frozenset(
        {
            "llm.model_name",
            "llm.token_count.prompt",
            "llm.token_count.completion",
            "llm.token_count.total",
        }
    ),
    lists=frozenset(
        {
            *("llm.input_messages", "llm.output_messages", "llm.prompts", "llm.choices", "input.images"),
            *("output.images", "retrieval.documents", "reranker.input_documents", "reranker.output_documents"),
        }
    ),
    events={"First Token Stream Event": _FIRST_TOKEN},
    scopes=("openinference.", "@arizeai/openinference-"),
    fields={
        "operation": keys(span_kind, "openinference.span.kind"),
        "provider": keys(provider, "llm.provider", "llm.system"),
        "request_model": (
            Source("llm.request.model_name", text),
            Source("llm.input_model_name", text, "proposed"),
            Source(_PARAMETERS, text, at="model"),
            Source(_PARAMETERS, text, "LangChain", at="model_name"),
            Source("embedding.model_name", text),
            Source("reranker.model_name", text),
        ),
        "response_model": (
            Source("llm.response.model_name", text),
            Source("llm.output_model_name", text, "proposed"),
            Source("llm.model_name", text, "the model asked for, until the answer names another"),
        ),
        "response_id": (
            *inside(_ANSWER, identifier, "id", "generations/0/0/message/kwargs/id"),
            *inside(_ANSWER, identifier, "response_id", "responseId"),
        ),
        "finish_reasons": (
            Source("llm.finish_reason", finish_reasons),
            *inside(_ANSWER, finish_reasons, "choices/*/finish_reason", "stop_reason", "candidates/*/finish_reason"),
        ),
        "user": keys(scalar_text, "user.id"),
        "session_id": keys(scalar_text, "session.id"),
        "prompt_name": keys(text, "prompt.id"),
        "prompt_version": keys(scalar_text, "llm.prompt_template.version"),
        "usage.input_tokens": (
            Source("llm.token_count.prompt", count),
            *inside(_ANSWER, count, "usage/input_tokens", "usage/prompt_tokens"),
        ),
        "usage.output_tokens": (
            Source("llm.token_count.completion", count),
            *inside(_ANSWER, count, "usage/output_tokens", "usage/completion_tokens"),
        ),
        "usage.cached_input_tokens": keys(
            count, "llm.token_count.prompt_details.cache_read", "llm.token_count.prompt_details.cache_input"
        ),
        "usage.cache_write_input_tokens": keys(count, "llm.token_count.prompt_details.cache_write"),
        "usage.reasoning_output_tokens": keys(count, "llm.token_count.completion_details.reasoning"),
        "usage.audio_input_tokens": keys(count, "llm.token_count.prompt_details.audio"),
        "usage.audio_output_tokens": keys(count, "llm.token_count.completion_details.audio"),
        "timing.ttft_s": (Source(_FIRST_TOKEN, first, "span event"),),
        "params.temperature": inside(_PARAMETERS, number, "temperature"),
        "params.top_p": inside(_PARAMETERS, number, "top_p"),
        "params.max_tokens": inside(
            _PARAMETERS, count, "max_tokens", "max_completion_tokens", "max_output_tokens", "maxOutputTokens"
        ),
        "params.seed": inside(_PARAMETERS, integer, "seed"),
        "params.service_tier": inside(_ANSWER, service_tier, "service_tier"),
        "image.images": (
            *inside("llm.output_messages", pictures, "*/contents/*/type"),
            *inside(_ANSWER, positive_length, "data/*/b64_json", "data/*/url"),
            *inside("output.images", positive_length, "*"),
        ),
        "image.quality": inside(_PARAMETERS, text, "quality"),
        "hint.size": inside(_PARAMETERS, size, "size"),
        "hint.images_asked": inside(_PARAMETERS, positive_count, "n"),
        "hint.total_tokens": keys(count, "llm.token_count.total"),
        "retrieval.documents": inside("retrieval.documents", length, "*"),
        "retrieval.scores": (
            *inside("retrieval.documents", numbers, "*/score"),
            *inside("reranker.output_documents", numbers, "*/score"),
        ),
        "cost.reported_usd": keys(positive, "llm.cost.total"),
        "content.input": keys(
            content, "llm.input_messages", "llm.prompts", "input.value", "reranker.input_documents", "input.images"
        ),
        "content.output": (
            *keys(content, "llm.output_messages", "llm.choices"),
            *keys(content, "retrieval.documents", "reranker.output_documents", _ANSWER, "output.images"),
        ),
        "hint.tool": keys(text, "tool.name"),
    },
)
