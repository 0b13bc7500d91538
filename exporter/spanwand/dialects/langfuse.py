"""Langfuse, Python and JavaScript: `langfuse.*`, usage and cost as JSON in the words of whoever was asked.

Its LangChain callback leaves cached tokens out of the input and reasoning out of the output; the total shows it.
"""

from spanwand.dialects.parsers import content, count, moment_ns, number, positive, scalar_text, text, unquoted, word
from spanwand.dialects.table import Dialect, Source, inside, keys
from spanwand.dialects.vocabulary import span_kind

_USAGE, _COST = "langfuse.observation.usage_details", "langfuse.observation.cost_details"
_PARAMETERS = "langfuse.observation.model.parameters"
_OUTPUT = "langfuse.observation.output"

LANGFUSE = Dialect(
    name="langfuse",
    markers=frozenset({"langfuse.observation.type"}),
    signs=frozenset({"langfuse.observation.model.name", _USAGE}),
    scopes=("langfuse",),
    fields={
        "operation": keys(span_kind, "langfuse.observation.type"),
        "request_model": inside(_PARAMETERS, text, "model"),
        "response_model": keys(unquoted(text), "langfuse.observation.model.name"),
        "session_id": keys(scalar_text, "session.id", "langfuse.session.id"),
        "user": keys(scalar_text, "user.id", "langfuse.user.id"),
        "prompt_name": keys(text, "langfuse.observation.prompt.name"),
        "prompt_version": keys(scalar_text, "langfuse.observation.prompt.version"),
        "usage.input_tokens": inside(_USAGE, count, "input", "input_tokens", "prompt_tokens"),
        "usage.output_tokens": inside(_USAGE, count, "output", "output_tokens", "completion_tokens"),
        "usage.cached_input_tokens": (
            *inside(_USAGE, count, "input_cache_read", "input_cached_tokens", "cache_read_input_tokens"),
            *inside(_USAGE, count, "prompt_tokens_details/cached_tokens", "input_tokens_details/cached_tokens"),
        ),
        "usage.cache_write_input_tokens": inside(
            _USAGE, count, "input_cache_creation", "cache_creation_input_tokens", "input_cache_write"
        ),
        "usage.cache_write_1h_input_tokens": inside(
            _USAGE, count, "input_ephemeral_1h_input_tokens", "cache_creation_ephemeral_1h_input_tokens"
        ),
        "usage.reasoning_output_tokens": (
            *inside(_USAGE, count, "output_reasoning", "output_reasoning_tokens", "reasoning_tokens"),
            *inside(_USAGE, count, "completion_tokens_details/reasoning_tokens"),
            *inside(_USAGE, count, "output_tokens_details/reasoning_tokens"),
        ),
        "usage.audio_input_tokens": inside(_USAGE, count, "input_audio", "prompt_tokens_details/audio_tokens"),
        "usage.audio_output_tokens": inside(_USAGE, count, "output_audio", "completion_tokens_details/audio_tokens"),
        "hint.total_tokens": inside(_USAGE, count, "total", "total_tokens"),
        "hint.first_token_ns": (
            Source("langfuse.observation.completion_start_time", moment_ns, "ISO 8601; time to the first token"),
        ),
        "hint.failed": (
            Source("langfuse.observation.level", word({"error": "error"}, None), "only `ERROR` says a thing"),
        ),
        "hint.failure_message": keys(text, "langfuse.observation.status_message"),
        "params.temperature": inside(_PARAMETERS, number, "temperature"),
        "params.top_p": inside(_PARAMETERS, number, "top_p"),
        "params.max_tokens": inside(_PARAMETERS, count, "max_tokens", "max_completion_tokens"),
        "cost.reported_usd": inside(_COST, positive, "total"),
        "content.input": keys(content, "langfuse.observation.input"),
        "content.output": keys(content, _OUTPUT),
    },
)
