"""MLflow tracing: every value is JSON, texts too; what the API answered is `mlflow.spanOutputs`."""

from spanwand.dialects.parsers import (
    content,
    count,
    identifier,
    number,
    positive,
    positive_count,
    positive_length,
    scalar_text,
    size,
    text,
    unquoted,
)
from spanwand.dialects.table import Dialect, Source, inside, keys
from spanwand.dialects.vocabulary import finish_reasons, provider, span_kind

_USAGE, _COST = "mlflow.chat.tokenUsage", "mlflow.llm.cost"
_ASKED, _ANSWERED, _PROMPTS = "mlflow.spanInputs", "mlflow.spanOutputs", "mlflow.linkedPrompts"

MLFLOW = Dialect(
    name="mlflow",
    markers=frozenset({"mlflow.spanType"}),
    signs=frozenset({"mlflow.llm.model", _USAGE}),
    scopes=("mlflow",),
    fields={
        "operation": keys(unquoted(span_kind), "mlflow.spanType"),
        "provider": keys(unquoted(provider), "mlflow.llm.provider"),
        "request_model": (
            *inside(_ASKED, text, "model"),
            Source("mlflow.llm.model", unquoted(text)),
        ),
        "response_model": inside(_ANSWERED, text, "model"),
        "response_id": inside(_ANSWERED, identifier, "id", "response_id"),
        "finish_reasons": inside(_ANSWERED, finish_reasons, "choices/*/finish_reason", "stop_reason"),
        "session_id": keys(unquoted(scalar_text), "mlflow.trace.session"),
        "user": keys(unquoted(scalar_text), "mlflow.trace.user"),
        "prompt_name": inside(_PROMPTS, text, "0/name"),
        "prompt_version": inside(_PROMPTS, scalar_text, "0/version"),
        "usage.input_tokens": (
            *inside(_USAGE, count, "input_tokens"),
            *inside(_ANSWERED, count, "usage/prompt_tokens", "usage/input_tokens"),
        ),
        "usage.output_tokens": (
            *inside(_USAGE, count, "output_tokens"),
            *inside(_ANSWERED, count, "usage/completion_tokens", "usage/output_tokens"),
        ),
        "usage.cached_input_tokens": (
            *inside(_USAGE, count, "cache_read_input_tokens"),
            *inside(_ANSWERED, count, "usage/prompt_tokens_details/cached_tokens"),
            *inside(_ANSWERED, count, "usage/input_tokens_details/cached_tokens", "usage/cache_read_input_tokens"),
        ),
        "usage.cache_write_input_tokens": (
            *inside(_USAGE, count, "cache_creation_input_tokens"),
            *inside(_ANSWERED, count, "usage/cache_creation_input_tokens"),
        ),
        "usage.cache_write_1h_input_tokens": inside(_USAGE, count, "cache_creation_input_tokens_above_1hr"),
        "usage.reasoning_output_tokens": (
            *inside(_ANSWERED, count, "usage/completion_tokens_details/reasoning_tokens"),
            *inside(_ANSWERED, count, "usage/output_tokens_details/reasoning_tokens"),
        ),
        "params.temperature": inside(_ASKED, number, "temperature"),
        "params.top_p": inside(_ASKED, number, "top_p"),
        "params.max_tokens": inside(_ASKED, count, "max_tokens", "max_completion_tokens", "max_output_tokens"),
        "image.images": inside(_ANSWERED, positive_length, "data/*/b64_json", "data/*/url"),
        "hint.total_tokens": inside(_USAGE, count, "total_tokens"),
        "hint.size": inside(_ASKED, size, "size"),
        "hint.images_asked": inside(_ASKED, positive_count, "n"),
        "cost.reported_usd": inside(_COST, positive, "total_cost"),
        "content.input": keys(content, _ASKED),
        "content.output": keys(content, _ANSWERED),
    },
)
