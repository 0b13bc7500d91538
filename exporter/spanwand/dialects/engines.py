"""vLLM and SGLang: spans of the engine itself, with the phases of a request. In seconds, but for one in ms."""

from spanwand.dialects.parsers import count, milliseconds, positive_count, seconds
from spanwand.dialects.table import Dialect, Source, keys

ENGINES = Dialect(
    name="engine",
    signs=frozenset({"gen_ai.latency.e2e", "gen_ai.latency.time_in_queue", "gen_ai.latency.time_to_first_token"}),
    scopes=("vllm", "sglang"),
    fields={
        "usage.cached_input_tokens": keys(count, "gen_ai.usage.cached_tokens"),
        "timing.ttft_s": (Source("gen_ai.latency.time_to_first_token", seconds, "s"),),
        "timing.queue_s": (Source("gen_ai.latency.time_in_queue", seconds, "s"),),
        "timing.execute_s": (
            Source("gen_ai.latency.time_in_model_inference", seconds, "s"),
            Source("gen_ai.latency.time_in_model_execute", seconds, "s"),
            Source("gen_ai.latency.time_in_model_forward", milliseconds, "ms, alone among its like"),
        ),
        "hint.images_asked": keys(positive_count, "gen_ai.request.n"),
    },
)
