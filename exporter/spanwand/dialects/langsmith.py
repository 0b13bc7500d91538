"""LangSmith's OpenTelemetry exporter: the old GenAI keys, `langsmith.*`, and token details as the repr of a dict."""

from spanwand.dialects.parsers import content, count, flag, scalar_text, text
from spanwand.dialects.table import Dialect, Source, inside, keys
from spanwand.dialects.vocabulary import provider, span_kind

_INPUT, _OUTPUT = "gen_ai.usage.input_token_details", "gen_ai.usage.output_token_details"
_USAGE = "langsmith.metadata.usage_metadata"

LANGSMITH = Dialect(
    name="langsmith",
    markers=frozenset({"langsmith.span.kind"}),
    signs=frozenset({_USAGE}),
    scopes=("langsmith",),
    fields={
        "operation": keys(span_kind, "langsmith.span.kind"),
        "provider": keys(provider, "langsmith.metadata.ls_provider"),
        "request_model": keys(text, "gen_ai.request.model", "langsmith.metadata.ls_model_name"),
        "session_id": keys(
            scalar_text,
            "langsmith.metadata.session_id",
            "langsmith.metadata.thread_id",
            "langsmith.metadata.conversation_id",
        ),
        "user": keys(scalar_text, "langsmith.metadata.user_id"),
        "usage.input_tokens": (Source("gen_ai.usage.input_tokens", count), *inside(_USAGE, count, "input_tokens")),
        "usage.output_tokens": (Source("gen_ai.usage.output_tokens", count), *inside(_USAGE, count, "output_tokens")),
        "usage.cached_input_tokens": (
            *inside(_INPUT, count, "cache_read"),
            *inside(_USAGE, count, "input_token_details/cache_read"),
        ),
        "usage.cache_write_input_tokens": (
            *inside(_INPUT, count, "cache_creation"),
            *inside(_USAGE, count, "input_token_details/cache_creation"),
        ),
        "usage.cache_write_1h_input_tokens": inside(_INPUT, count, "ephemeral_1h_input_tokens"),
        "usage.reasoning_output_tokens": (
            *inside(_OUTPUT, count, "reasoning"),
            *inside(_USAGE, count, "output_token_details/reasoning"),
        ),
        "usage.audio_input_tokens": inside(_INPUT, count, "audio"),
        "usage.audio_output_tokens": inside(_OUTPUT, count, "audio"),
        "params.stream": keys(flag, "langsmith.request.streaming"),
        "hint.total_tokens": (
            Source("gen_ai.usage.total_tokens", count),
            *inside(_USAGE, count, "total_tokens"),
        ),
        "content.input": keys(content, "gen_ai.prompt"),
        "content.output": keys(content, "gen_ai.completion"),
    },
)
