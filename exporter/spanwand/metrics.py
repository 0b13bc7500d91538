"""Every metric a run can show: name, unit, and what kind of number it is. The names are API.

All are per window. The documentation is generated from this table, and the W&B sink reads from it which metrics have a
total. In a name, `<...>` stands for one part without a slash.
"""

import re
from collections.abc import Iterator
from enum import StrEnum
from functools import cache, lru_cache

import msgspec


class Kind(StrEnum):
    """What may be done with a metric's points."""

    SUM = "sum"
    """Points add up: the total over windows and runs is exact."""
    QUANTILE = "quantile"
    """Estimated with a relative error of 1 %; quantiles do not add up."""
    GAUGE = "gauge"
    """A state at the window's end."""


class Metric(msgspec.Struct, frozen=True):
    """One metric, or one per value of the `<...>` parts of its name."""

    name: str
    unit: str
    kind: Kind
    description: str


def _quantiles(name: str, unit: str, percentiles: tuple[int, ...], description: str) -> tuple[Metric, ...]:
    return tuple(Metric(f"{name}/p{p}", unit, Kind.QUANTILE, f"{description}, {p}th percentile") for p in percentiles)


_SUM = Kind.SUM

_GPU_SHARES = (
    Metric("gpu_seconds", "s", _SUM, "GPU time of the calls whose share is known, shared with those beside them"),
    Metric("gpu_joules", "J", _SUM, "GPU energy of these calls"),
    Metric("gpu_co2e_g", "g", _SUM, "CO2 equivalent of this energy, if `gpu.attribution.grid_gco2e_per_kwh` is set"),
)

LLM = (
    Metric("requests", "1", _SUM, "calls of language, embedding, rerank and audio models"),
    Metric("errors", "1", _SUM, "of these, failed ones"),
    Metric("retries", "1", _SUM, "besides these, tries that failed and were made again; their tokens and cost count"),
    Metric("unpriced", "1", _SUM, "of calls and tries, ones whose cost is not known"),
    Metric("cost_mismatches", "1", _SUM, "of these, ones whose reported cost is not the computed one"),
    Metric("input_tokens", "token", _SUM, "input tokens, cached ones included"),
    Metric("output_tokens", "token", _SUM, "output tokens, reasoning included"),
    Metric("cached_input_tokens", "token", _SUM, "input tokens read from a cache"),
    Metric("cache_write_input_tokens", "token", _SUM, "input tokens written to a cache"),
    Metric("reasoning_output_tokens", "token", _SUM, "output tokens spent on reasoning"),
    Metric("cost_usd", "USD", _SUM, "cost of the calls whose cost is known: the computed one, else the reported one"),
    Metric("reported_cost_usd", "USD", _SUM, "cost of the calls that report one, as reported"),
    *_GPU_SHARES,
    *_quantiles("latency_s", "s", (50, 95, 99), "time from start to end of a call"),
    *_quantiles("ttft_s", "s", (50, 95), "time to the first token"),
    *_quantiles("time_per_output_token_s", "s", (50, 95), "time per token after the first one, of streamed calls"),
    *_quantiles("output_tokens_per_s", "token/s", (50,), "output tokens of a call by its latency"),
)

DIFFUSION = (
    Metric("requests", "1", _SUM, "calls of image and video models"),
    Metric("errors", "1", _SUM, "of these, failed ones"),
    Metric("retries", "1", _SUM, "besides these, tries that failed and were made again; their tokens and cost count"),
    Metric("unpriced", "1", _SUM, "of calls and tries, ones whose cost is not known"),
    Metric("cost_mismatches", "1", _SUM, "of these, ones whose reported cost is not the computed one"),
    Metric("images", "image", _SUM, "images made"),
    Metric("safety_flagged", "image", _SUM, "images that a safety checker flagged"),
    Metric("cost_usd", "USD", _SUM, "cost of the calls whose cost is known: the computed one, else the reported one"),
    Metric("reported_cost_usd", "USD", _SUM, "cost of the calls that report one, as reported"),
    *_GPU_SHARES,
    *_quantiles("latency_s", "s", (50, 95), "time from start to end of a call"),
    *_quantiles("images_per_s", "image/s", (50,), "images of a call by its latency"),
    *_quantiles("step_s", "s", (50,), "denoising time by the number of steps"),
)

REQUEST = (
    Metric("count", "1", _SUM, "requests: traces with model calls that have ended"),
    Metric("errors", "1", _SUM, "of these, ones with a failed call or a failed root"),
    Metric("retries", "1", _SUM, "tries of their calls that failed and were made again"),
    Metric("fallbacks", "1", _SUM, "calls that another model answered after one had failed"),
    Metric("retrievals", "1", _SUM, "retrieval steps of the requests"),
    *_quantiles("latency_s", "s", (50, 95, 99), "time from first start to last end of a request"),
    *_quantiles("critical_path_s", "s", (50, 95), "time in calls and retrievals that a request waited for in turn"),
    *_quantiles("cost_usd", "USD", (50, 95), "cost of all calls of a request"),
    *_quantiles("generations", "1", (50,), "model calls of a request"),
)

EVALUATION = (
    Metric("count", "1", _SUM, "evaluations of this name"),
    Metric("score", "of the scorer", Kind.GAUGE, "mean score of the window"),
)

_IN_BUCKETS = "within the sender's buckets"
PERCENTILES = (50, 95, 99)
"""Of what senders measured as histograms."""

CLIENT = (
    Metric("requests", "1", _SUM, "calls that a client library measured"),
    Metric("input_tokens", "token", _SUM, "input tokens that it measured"),
    Metric("output_tokens", "token", _SUM, "output tokens that it measured"),
    *_quantiles("latency_s", "s", PERCENTILES, f"duration of calls {_IN_BUCKETS}"),
    *_quantiles("ttft_s", "s", PERCENTILES, f"time to the first chunk {_IN_BUCKETS}"),
    *_quantiles("time_per_output_chunk_s", "s", PERCENTILES, f"time between chunks {_IN_BUCKETS}"),
)
SERVER = (
    Metric("requests", "1", _SUM, "requests that a serving engine finished"),
    Metric("requests_running", "1", Kind.GAUGE, "requests in work, over all engines"),
    Metric("requests_waiting", "1", Kind.GAUGE, "requests that wait, over all engines"),
    Metric("input_tokens", "token", _SUM, "input tokens that the engine counted"),
    Metric("output_tokens", "token", _SUM, "output tokens that the engine counted"),
    Metric("preemptions", "1", _SUM, "requests put back to make room"),
    Metric("prefix_cache_queried_tokens", "token", _SUM, "tokens looked up in the prefix cache"),
    Metric("prefix_cache_hit_tokens", "token", _SUM, "of these, ones that were found"),
    Metric("kv_cache_utilization", "1", Kind.GAUGE, "part of the KV cache in use, mean of the engines"),
    *_quantiles("latency_s", "s", PERCENTILES, f"duration of requests {_IN_BUCKETS}"),
    *_quantiles("queue_s", "s", PERCENTILES, f"time in the queue {_IN_BUCKETS}"),
    *_quantiles("ttft_s", "s", PERCENTILES, f"time to the first token {_IN_BUCKETS}"),
    *_quantiles("time_per_output_token_s", "s", PERCENTILES, f"time between output tokens {_IN_BUCKETS}"),
)
GPU = (
    Metric("utilization", "1", Kind.GAUGE, "part of the time in which the GPU worked"),
    Metric("utilization_peak", "1", Kind.GAUGE, "most of it in one of the driver's own samples, where it has some"),
    Metric("memory_utilization", "1", Kind.GAUGE, "part of the time in which its memory was read or written"),
    Metric("power_w", "W", Kind.GAUGE, "power drawn"),
    Metric("power_peak_w", "W", Kind.GAUGE, "most of it in one of the driver's own samples, where it has some"),
    Metric("power_limit_w", "W", Kind.GAUGE, "power it may draw, as it is set"),
    Metric("energy_j", "J", _SUM, "energy used"),
    Metric("attributed_s", "s", _SUM, "time of the GPU that calls are known to have used"),
    Metric("attributed_j", "J", _SUM, "energy that these calls used in it"),
    Metric("unattributed_s", "s", _SUM, "time that no call used, known `gpu.attribution.horizon_s` after it was read"),
    Metric("unattributed_j", "J", _SUM, "energy of that time: idle, or the work of who sends no spans"),
    Metric("memory_used_bytes", "By", Kind.GAUGE, "device memory in use"),
    Metric("memory_total_bytes", "By", Kind.GAUGE, "device memory there is"),
    Metric("temperature_c", "Cel", Kind.GAUGE, "temperature"),
    Metric("sm_clock_mhz", "MHz", Kind.GAUGE, "clock of the multiprocessors"),
    Metric("memory_clock_mhz", "MHz", Kind.GAUGE, "clock of the memory"),
    Metric("throttled", "1", Kind.GAUGE, "part of the readings in which heat, power or a brake held the clocks down"),
    Metric("encoder_utilization", "1", Kind.GAUGE, "part of the time in which the video encoder worked"),
    Metric("decoder_utilization", "1", Kind.GAUGE, "part of the time in which the video decoder worked"),
    Metric("ecc_corrected", "1", _SUM, "memory errors that were corrected"),
    Metric("ecc_uncorrected", "1", _SUM, "memory errors that were not"),
    Metric("pcie_received_bytes", "By", _SUM, "what the GPU received over PCIe"),
    Metric("pcie_sent_bytes", "By", _SUM, "what it sent"),
    Metric("nvlink_received_bytes", "By", _SUM, "what the GPU received over NVLink"),
    Metric("nvlink_sent_bytes", "By", _SUM, "what it sent"),
)
ALLOWED = (
    Metric("<metric>", "of the metric", Kind.GAUGE, "state of a metric that `measure.allow` names, mean of its series"),
    Metric(
        "<metric>/increase", "of the metric", _SUM, "growth of a counter that `measure.allow` names, all its series"
    ),
    Metric("<metric>/count", "1", _SUM, "values of a histogram that `measure.allow` names"),
    Metric("<metric>/sum", "of the metric", _SUM, "sum of these values"),
    *_quantiles("<metric>", "of the metric", PERCENTILES, f"of these values {_IN_BUCKETS}"),
)

HEALTH = (
    Metric("spans_received", "1", _SUM, "spans that arrived, of any kind"),
    Metric("metric_points_received", "1", _SUM, "points of OTLP metrics that arrived, of any kind"),
    Metric("metric_points_read", "1", _SUM, "of these, ones of metrics that are mapped or allowed"),
    Metric("log_records_received", "1", _SUM, "OTLP log records that arrived, of any kind"),
    Metric("log_records_read", "1", _SUM, "of these, events that say something of model calls"),
    Metric("dropped/<reason>", "1", _SUM, "items that did not come out, by reason"),
    Metric("duplicates/<rule>", "1", _SUM, "spans of calls that other spans report, by the rule that told"),
    Metric("odd/<oddity>", "1", _SUM, "model calls whose figures could not be true as sent, by what was odd"),
    Metric("redacted/<pattern>", "1", _SUM, "texts that redaction took out; of what was said, where it leaves"),
)


def _under(prefix: str, metrics: tuple[Metric, ...]) -> Iterator[Metric]:
    return (Metric(f"{prefix}/{m.name}", m.unit, m.kind, m.description) for m in metrics)


METRICS: tuple[Metric, ...] = (
    *_under("llm", LLM),
    *_under("llm/by_operation/<operation>", LLM),
    *_under("llm/by_model/<model>", LLM),
    *_under("diffusion", DIFFUSION),
    *_under("diffusion/by_operation/<operation>", DIFFUSION),
    *_under("diffusion/by_model/<model>", DIFFUSION),
    *_under("request", REQUEST),
    *_under("llm/client", CLIENT),
    *_under("llm/server", SERVER),
    *_under("gpu/<n>", GPU),
    *_under("otel", ALLOWED),
    *_under("evaluation/<name>", EVALUATION),
    *_under("spanwand", HEALTH),
)
"""All of them. `<model>` is the model's name made fit for a key; `other` sums the models over the limit. Operations are
a closed vocabulary (`operations.py`); an agent's is there if it stands for calls that nothing else reports."""

WINDOW_END = "spanwand/window_end"
"""The x axis of every history: the window's end in seconds since the epoch."""
BATCH = "spanwand/batch"
"""On every history row: `seq` of the batch it came from."""
ROWS_LEFT = "spanwand/rows_left"
"""On a history row that holds only some rows of a batch, since W&B refused others: how many come behind them."""

_EXACT = {metric.name: metric for metric in METRICS if "<" not in metric.name}
_NOT_IN_A_KEY = re.compile(r"[^A-Za-z0-9._-]")


def in_a_key(name: str) -> str:
    """A name from outside, made fit to be one part of a key."""
    return _NOT_IN_A_KEY.sub("_", name)


@lru_cache(4_096)  # every window asks for the same keys, and it takes 8 µs to go through the patterns
def metric_of(key: str) -> Metric | None:
    """The metric that a history key belongs to; None if it is no key of ours."""
    exact = _EXACT.get(key)
    return exact or next((metric for pattern, metric in _patterns() if pattern.fullmatch(key)), None)


@cache
def _patterns() -> list[tuple[re.Pattern[str], Metric]]:
    """What keys of metrics with parts from outside look like."""
    return [(re.compile(re.sub("<.*?>", "[^/]+", m.name)), m) for m in METRICS if "<" in m.name]
