"""traceAI (Future AGI): the conventions with a span kind, and the only one that names diffusion parameters."""

from spanwand.dialects.parsers import (
    content,
    count,
    identifier,
    integer,
    milliseconds,
    number,
    positive,
    positive_count,
    scalar_text,
    size,
    text,
)
from spanwand.dialects.table import Dialect, Source, inside, keys
from spanwand.dialects.vocabulary import span_kind

TRACEAI = Dialect(
    name="traceai",
    markers=frozenset({"fi.span.kind"}),
    signs=frozenset({"gen_ai.span.kind", "gen_ai.image.steps", "gen_ai.image.prompt"}),
    lists=frozenset({"gen_ai.input.messages", "gen_ai.output.messages"}),
    scopes=("traceai", "fi_instrumentation", "fi."),
    fields={
        "operation": keys(span_kind, "gen_ai.span.kind", "fi.span.kind"),
        "response_model": keys(text, "gen_ai.response.model"),
        "response_id": inside("output.value", identifier, "id"),
        "prompt_name": keys(text, "gen_ai.prompt.template.name"),
        "prompt_version": keys(scalar_text, "gen_ai.prompt.template.version"),
        "usage.cached_input_tokens": keys(
            count, "gen_ai.usage.input_tokens.cache_read", "gen_ai.usage.cache_read_tokens"
        ),
        "usage.cache_write_input_tokens": keys(
            count, "gen_ai.usage.input_tokens.cache_write", "gen_ai.usage.cache_write_tokens"
        ),
        "usage.reasoning_output_tokens": keys(count, "gen_ai.usage.output_tokens.reasoning"),
        "usage.audio_input_tokens": keys(count, "gen_ai.usage.input_tokens.audio"),
        "usage.audio_output_tokens": keys(count, "gen_ai.usage.output_tokens.audio"),
        "timing.queue_s": (Source("gen_ai.server.queue_time", milliseconds, "ms"),),
        "image.images": keys(count, "gen_ai.image.count"),
        "image.width": (Source("gen_ai.image.width", positive_count, "px"),),
        "image.height": (Source("gen_ai.image.height", positive_count, "px"),),
        "image.quality": keys(text, "gen_ai.image.quality"),
        "image.steps": keys(count, "gen_ai.image.steps"),
        "image.guidance_scale": keys(number, "gen_ai.image.guidance_scale"),
        "image.seed": keys(integer, "gen_ai.image.seed"),
        "hint.size": keys(size, "gen_ai.image.size"),
        "cost.reported_usd": keys(positive, "gen_ai.cost.total"),
        "content.input": keys(content, "gen_ai.input.messages", "gen_ai.image.prompt"),
        "content.negative_prompt": keys(content, "gen_ai.image.negative_prompt"),
    },
)
