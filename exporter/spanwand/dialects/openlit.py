"""OpenLIT: the conventions' keys and more of its own. With Anthropic's models its input leaves out cached tokens."""

from spanwand.dialects.parsers import (
    content,
    count,
    flag,
    length,
    positive,
    positive_count,
    scalar_text,
    seconds,
    size,
    text,
)
from spanwand.dialects.table import Dialect, Source, keys

OPENLIT = Dialect(
    name="openlit",
    signs=frozenset(
        {
            "gen_ai.usage.prompt_tokens_details.cached_tokens",
            "gen_ai.usage.completion_tokens_details.reasoning_tokens",
            "gen_ai.request.image_size",
            "gen_ai.sdk.version",
        }
    ),
    scopes=("openlit",),
    fields={
        "session_id": keys(scalar_text, "gen_ai.session.id"),
        "user": keys(scalar_text, "gen_ai.user.id", "gen_ai.request.user"),
        "usage.cached_input_tokens": (
            Source("gen_ai.usage.prompt_tokens_details.cached_tokens", count),
            Source("gen_ai.usage.prompt_tokens_details.cache_read", count),
        ),
        "usage.cache_write_input_tokens": (
            Source("gen_ai.usage.prompt_tokens_details.cache_creation_tokens", count),
            Source("gen_ai.usage.prompt_tokens_details.cache_write", count),
        ),
        "usage.reasoning_output_tokens": (
            Source("gen_ai.usage.completion_tokens_details.reasoning_tokens", count),
            Source("gen_ai.usage.reasoning_tokens", count),
        ),
        "usage.audio_output_tokens": keys(count, "gen_ai.usage.completion_tokens_details.audio_tokens"),
        "timing.ttft_s": (Source("gen_ai.server.time_to_first_token", seconds, "s"),),
        "timing.time_per_output_token_s": (Source("gen_ai.server.time_per_output_token", positive, "s"),),
        "params.stream": keys(flag, "gen_ai.request.is_stream"),
        "image.images": keys(length, "gen_ai.response.image"),
        "image.quality": keys(text, "gen_ai.response.image_quality", "gen_ai.request.image_quality"),
        "hint.size": keys(size, "gen_ai.response.image_size", "gen_ai.request.image_size"),
        "hint.images_asked": keys(positive_count, "gen_ai.request.n"),
        "cost.reported_usd": (Source("gen_ai.usage.cost", positive, "USD; 0 means that it has no price"),),
        "content.input": keys(content, "gen_ai.content.prompt"),
        "content.output": keys(content, "gen_ai.content.completion"),
    },
)
