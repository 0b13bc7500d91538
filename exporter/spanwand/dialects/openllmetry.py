"""OpenLLMetry (Traceloop), Python and JavaScript, old and new: `gen_ai.*` keys of its own, `llm.*` and `traceloop.*`.

Its package names are those of OpenTelemetry's own instrumentations, its scopes end without the `_v2` of those.
"""

from spanwand.dialects.events import first
from spanwand.dialects.parsers import content, count, flag, number, positive_count, scalar_text, size, text
from spanwand.dialects.table import Dialect, Source, keys
from spanwand.dialects.vocabulary import finish_reasons, operation, span_kind

_CHUNK = "event:llm.content.completion.chunk"

OPENLLMETRY = Dialect(
    name="openllmetry",
    markers=frozenset({"traceloop.span.kind"}),
    signs=frozenset(
        {
            "llm.request.type",
            "gen_ai.request.type",
            "gen_ai.usage.cache_read_input_tokens",
            "gen_ai.usage.cache_creation_input_tokens",
        }
    ),
    events={"llm.content.completion.chunk": _CHUNK},
    scopes=(
        "@traceloop/",
        *(
            f"opentelemetry.instrumentation.{library}"
            for library in ("openai.v0", "openai.v1", "anthropic", "langchain", "llamaindex", "bedrock", "ollama")
        ),
        *(
            f"opentelemetry.instrumentation.{library}"
            for library in (
                "cohere",
                "groq",
                "mistralai",
                "replicate",
                "transformers",
                "together",
                "google_generativeai",
            )
        ),
    ),
    fields={
        "operation": (
            Source("gen_ai.operation.name", operation, "since 0.5"),
            Source("gen_ai.request.type", operation, "for a while in 2025"),
            Source("llm.request.type", operation, "`completion` for chats with Anthropic"),
            Source("traceloop.span.kind", span_kind, "of the app's own steps"),
        ),
        "finish_reasons": (
            Source("gen_ai.response.finish_reasons", finish_reasons),
            Source("gen_ai.response.finish_reason", finish_reasons),
            Source("llm.response.finish_reason", finish_reasons),
            Source("gen_ai.response.stop_reason", finish_reasons),
            Source("llm.response.stop_reason", finish_reasons),
            Source("gen_ai.completion", finish_reasons, "flattened", at="*/finish_reason"),
        ),
        "user": keys(scalar_text, "gen_ai.user", "llm.user", "traceloop.association.properties.user_id"),
        "session_id": keys(scalar_text, "traceloop.association.properties.session_id"),
        "prompt_name": keys(text, "traceloop.prompt.key"),
        "prompt_version": keys(
            scalar_text, "traceloop.prompt.version", "traceloop.prompt.version_name", "traceloop.prompt.version_hash"
        ),
        "usage.cached_input_tokens": keys(count, "gen_ai.usage.cache_read_input_tokens"),
        "usage.cache_write_input_tokens": keys(count, "gen_ai.usage.cache_creation_input_tokens"),
        "usage.reasoning_output_tokens": keys(count, "gen_ai.usage.reasoning_tokens", "llm.usage.reasoning_tokens"),
        "timing.ttft_s": (Source(_CHUNK, first, "first span event"),),
        "params.max_tokens": keys(count, "gen_ai.request.max_completion_tokens"),
        "params.top_p": keys(number, "llm.top_p"),
        "params.stream": keys(flag, "llm.is_streaming", "gen_ai.is_streaming"),
        "image.quality": keys(text, "gen_ai.request.image.quality", "llm.request.image.quality"),
        "hint.size": keys(size, "gen_ai.request.image.size", "llm.request.image.size"),
        "hint.images_asked": keys(
            positive_count, "gen_ai.request.image.count", "llm.request.image.count", "gen_ai.request.n"
        ),
        "hint.total_tokens": keys(count, "llm.usage.total_tokens"),
        "content.input": (
            *keys(content, "gen_ai.input.messages", "gen_ai.prompt"),
            Source("traceloop.entity.input", content, "of the app's own steps"),
        ),
        "content.output": keys(content, "gen_ai.output.messages", "gen_ai.completion", "traceloop.entity.output"),
    },
)
