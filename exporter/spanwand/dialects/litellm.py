"""LiteLLM's OpenTelemetry callback: GenAI keys old and new; cache and reasoning in the repr of its usage object."""

from spanwand.dialects.parsers import count, positive, scalar_text
from spanwand.dialects.table import Dialect, inside, keys

_USAGE = "metadata.usage_object"
_RAW = "llm.openai.usage"

LITELLM = Dialect(
    name="litellm",
    signs=frozenset({"litellm.call_id", _USAGE, _RAW}),
    scopes=("litellm",),
    fields={
        "usage.input_tokens": keys(count, "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
        "usage.output_tokens": keys(count, "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
        "usage.cached_input_tokens": (
            *inside(_USAGE, count, "prompt_tokens_details/cached_tokens", "cache_read_input_tokens"),
            *inside(_RAW, count, "prompt_tokens_details/cached_tokens", "input_tokens_details/cached_tokens"),
        ),
        "usage.cache_write_input_tokens": (
            *inside(_USAGE, count, "cache_creation_input_tokens"),
            *inside(_USAGE, count, "prompt_tokens_details/cache_creation_tokens"),
        ),
        "usage.reasoning_output_tokens": (
            *inside(_USAGE, count, "completion_tokens_details/reasoning_tokens"),
            *inside(_RAW, count, "completion_tokens_details/reasoning_tokens"),
            *inside(_RAW, count, "output_tokens_details/reasoning_tokens"),
        ),
        "user": keys(scalar_text, "metadata.user_api_key_end_user_id", "llm.user"),
        "cost.reported_usd": keys(positive, "gen_ai.cost.total_cost", "hidden_params.response_cost"),
    },
)
