"""Pydantic AI and logfire: the conventions, a few keys of their own, and raw usage in logfire's instrumentations.

Of a stream logfire writes two spans: one that ends when the answer begins, and a `log` at its end, which alone knows
usage and duration, and alone counts.
"""

from spanwand.dialects.parsers import content, count, identifier, positive, positive_count, seconds, size, text
from spanwand.dialects.table import Dialect, Source, inside, keys

_RAW = "gen_ai.usage.raw"
_ANSWER = "response_data"
_SETTINGS = "image_generation_settings"

PYDANTIC_AI = Dialect(
    name="pydantic_ai",
    signs=frozenset({"pydantic_ai.all_messages", "gen_ai.aggregated_usage.input_tokens", _RAW}),
    scopes=("pydantic-ai", "logfire"),
    fields={
        "usage.input_tokens": (
            Source("gen_ai.usage.input_tokens", count),
            Source("gen_ai.aggregated_usage.input_tokens", count, "of an agent: the sum of its calls"),
        ),
        "usage.output_tokens": (
            Source("gen_ai.usage.output_tokens", count),
            Source("gen_ai.aggregated_usage.output_tokens", count, "of an agent: the sum of its calls"),
        ),
        "usage.cached_input_tokens": (
            *inside(_RAW, count, "prompt_tokens_details/cached_tokens", "input_tokens_details/cached_tokens"),
            *inside(_RAW, count, "cache_read_input_tokens"),
            Source("gen_ai.aggregated_usage.cache_read.input_tokens", count),
        ),
        "usage.cache_write_input_tokens": (
            *inside(_RAW, count, "cache_creation_input_tokens"),
            Source("gen_ai.aggregated_usage.cache_creation.input_tokens", count),
        ),
        "usage.cache_write_1h_input_tokens": inside(_RAW, count, "cache_creation/ephemeral_1h_input_tokens"),
        "usage.reasoning_output_tokens": (
            Source("gen_ai.usage.details.reasoning_tokens", count),
            *inside(_RAW, count, "completion_tokens_details/reasoning_tokens"),
            *inside(_RAW, count, "output_tokens_details/reasoning_tokens"),
            Source("gen_ai.aggregated_usage.details.reasoning_tokens", count),
        ),
        "usage.audio_input_tokens": keys(count, "gen_ai.usage.details.input_audio_tokens"),
        "usage.cached_audio_input_tokens": keys(count, "gen_ai.usage.details.cache_audio_read_tokens"),
        "usage.audio_output_tokens": keys(count, "gen_ai.usage.details.output_audio_tokens"),
        "timing.ttft_s": (Source("gen_ai.client.operation.time_to_first_chunk", seconds, "s"),),
        "image.images": keys(count, "image_count"),
        "image.width": inside(_SETTINGS, positive_count, "dimensions/0"),
        "image.height": inside(_SETTINGS, positive_count, "dimensions/1"),
        "image.quality": inside(_SETTINGS, text, "openai_quality"),
        "hint.size": inside(_SETTINGS, size, "openai_size"),
        "hint.images_asked": inside(_SETTINGS, positive_count, "openai_n"),
        "cost.reported_usd": keys(positive, "operation.cost"),
        "content.input": (
            *keys(content, "gen_ai.input.messages", "pydantic_ai.all_messages", "all_messages_events", "request_data"),
            *keys(content, "tool_arguments", "prompt"),
        ),
        "content.output": keys(content, "gen_ai.output.messages", "final_result", _ANSWER, "tool_response"),
        "response_id": inside(_ANSWER, identifier, "id"),
        "hint.agent": keys(text, "agent_name"),
        "hint.logfire_type": (Source("logfire.span_type", text, "`log`: the end of a stream"),),
        "hint.logfire_model": inside("request_data", text, "model"),
        "hint.duration_s": (Source("duration", seconds, "s; of a stream, on its `log`"),),
    },
)
