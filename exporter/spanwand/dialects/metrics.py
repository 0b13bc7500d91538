"""OTLP metrics that become history keys, as data: GenAI conventions, serving engines, DCGM, OTel's hardware metrics.

A metric's name is compared without what Prometheus adds: `vllm:prompt_tokens_total` is `vllm_prompt_tokens`. Client
and server figures have keys of their own: a call that spans count already is not counted twice in `llm/…`.
"""

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum

import msgspec

from spanwand.dialects import hardware
from spanwand.dialects.parsers import scalar_text
from spanwand.span import Parser


class Part(StrEnum):
    """What of a point is taken."""

    VALUE = "value"
    """The number; of a histogram, its values."""
    SUM = "sum"
    """The sum of a histogram's values."""
    COUNT = "count"
    """How many values a histogram has."""


class MetricSource(msgspec.Struct, frozen=True, kw_only=True):
    """How a metric becomes one of our keys. `where` are attributes a point must have; `scale` turns units into ours;
    states of several senders are averaged if `mean`, else added up."""

    key: str
    part: Part = Part.VALUE
    scale: float = 1.0
    where: Mapping[str, str] = {}
    mean: bool = False
    note: str = ""


INDEX = "<n>"
"""In a key: the device a point is about."""
INDEX_KEYS = ("gpu", "hw.id", "gpu.index", "UUID")
"""Attributes that name a device, most trusted first."""
_PARTITION = "GPU_I_ID"
_TOKEN_TYPE = "gen_ai.token.type"  # noqa: S105  not a secret
_HARDWARE = "hw.type"
_GPU = {_HARDWARE: "gpu"}

_CLIENT: Mapping[str, tuple[MetricSource, ...]] = {
    "gen_ai.client.token.usage": (
        MetricSource(key="llm/client/input_tokens", part=Part.SUM, where={_TOKEN_TYPE: "input"}),
        MetricSource(key="llm/client/output_tokens", part=Part.SUM, where={_TOKEN_TYPE: "output"}),
        MetricSource(key="llm/client/output_tokens", part=Part.SUM, where={_TOKEN_TYPE: "completion"}, note="old"),
    ),
    "gen_ai.client.operation.duration": (
        MetricSource(key="llm/client/requests", part=Part.COUNT),
        MetricSource(key="llm/client/latency_s"),
    ),
    "gen_ai.client.time_to_first_chunk": (MetricSource(key="llm/client/ttft_s"),),
    "gen_ai.client.operation.time_to_first_chunk": (MetricSource(key="llm/client/ttft_s"),),
    "gen_ai.client.time_per_output_chunk": (MetricSource(key="llm/client/time_per_output_chunk_s"),),
}

_SERVER: Mapping[str, tuple[MetricSource, ...]] = {
    "gen_ai.server.request.duration": (
        MetricSource(key="llm/server/requests", part=Part.COUNT),
        MetricSource(key="llm/server/latency_s"),
    ),
    "gen_ai.server.time_to_first_token": (MetricSource(key="llm/server/ttft_s"),),
    "gen_ai.server.time_per_output_token": (MetricSource(key="llm/server/time_per_output_token_s"),),
}

_RUNNING, _WAITING = (
    (MetricSource(key="llm/server/requests_running"),),
    (MetricSource(key="llm/server/requests_waiting"),),
)
_CACHE = (MetricSource(key="llm/server/kv_cache_utilization", mean=True),)
_INPUT, _OUTPUT = (MetricSource(key="llm/server/input_tokens"),), (MetricSource(key="llm/server/output_tokens"),)
_TTFT, _PER_TOKEN = (MetricSource(key="llm/server/ttft_s"),), (MetricSource(key="llm/server/time_per_output_token_s"),)
_LATENCY, _QUEUE = (MetricSource(key="llm/server/latency_s"),), (MetricSource(key="llm/server/queue_s"),)
_REQUESTS = (MetricSource(key="llm/server/requests"),)

_ENGINES: Mapping[str, tuple[MetricSource, ...]] = {
    "vllm_num_requests_running": _RUNNING,
    "vllm_num_requests_waiting": _WAITING,
    "vllm_kv_cache_usage_perc": _CACHE,
    "vllm_gpu_cache_usage_perc": _CACHE,
    "vllm_prompt_tokens": _INPUT,
    "vllm_generation_tokens": _OUTPUT,
    "vllm_request_success": _REQUESTS,
    "vllm_num_preemptions": (MetricSource(key="llm/server/preemptions"),),
    "vllm_prefix_cache_queries": (MetricSource(key="llm/server/prefix_cache_queried_tokens"),),
    "vllm_prefix_cache_hits": (MetricSource(key="llm/server/prefix_cache_hit_tokens"),),
    "vllm_time_to_first_token_seconds": _TTFT,
    "vllm_time_per_output_token_seconds": _PER_TOKEN,
    "vllm_inter_token_latency_seconds": _PER_TOKEN,
    "vllm_e2e_request_latency_seconds": _LATENCY,
    "vllm_request_queue_time_seconds": _QUEUE,
    "sglang_num_running_reqs": _RUNNING,
    "sglang_num_queue_reqs": _WAITING,
    "sglang_token_usage": _CACHE,
    "sglang_prompt_tokens": _INPUT,
    "sglang_generation_tokens": _OUTPUT,
    "sglang_num_requests": _REQUESTS,
    "sglang_time_to_first_token_seconds": _TTFT,
    "sglang_time_per_output_token_seconds": _PER_TOKEN,
    "sglang_inter_token_latency_seconds": _PER_TOKEN,
    "sglang_e2e_request_latency_seconds": _LATENCY,
    "sglang_queue_time_seconds": _QUEUE,
    "tgi_batch_current_size": _RUNNING,
    "tgi_queue_size": _WAITING,
    "tgi_request_success": _REQUESTS,
    "tgi_request_input_length": (MetricSource(key="llm/server/input_tokens", part=Part.SUM),),
    "tgi_request_generated_tokens": (MetricSource(key="llm/server/output_tokens", part=Part.SUM),),
    "tgi_request_duration": _LATENCY,
    "tgi_request_queue_duration": _QUEUE,
    "tgi_request_mean_time_per_token_duration": _PER_TOKEN,
}

_MEBIBYTE = float(1 << 20)
_GPUS: Mapping[str, tuple[MetricSource, ...]] = {
    "DCGM_FI_DEV_GPU_UTIL": (MetricSource(key="gpu/<n>/utilization", scale=0.01, note="%"),),
    "DCGM_FI_DEV_POWER_USAGE": (MetricSource(key="gpu/<n>/power_w"),),
    "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION": (MetricSource(key="gpu/<n>/energy_j", scale=0.001, note="mJ"),),
    "DCGM_FI_DEV_FB_USED": (MetricSource(key="gpu/<n>/memory_used_bytes", scale=_MEBIBYTE, note="MiB"),),
    "DCGM_FI_DEV_GPU_TEMP": (MetricSource(key="gpu/<n>/temperature_c"),),
    "DCGM_FI_DEV_SM_CLOCK": (MetricSource(key="gpu/<n>/sm_clock_mhz"),),
    "DCGM_FI_DEV_MEM_CLOCK": (MetricSource(key="gpu/<n>/memory_clock_mhz"),),
    "hw.gpu.utilization": (MetricSource(key="gpu/<n>/utilization"),),
    "hw.gpu.memory.usage": (MetricSource(key="gpu/<n>/memory_used_bytes"),),
    "hw.power": (MetricSource(key="gpu/<n>/power_w", where=_GPU),),
    "hw.energy": (MetricSource(key="gpu/<n>/energy_j", where=_GPU),),
    "hw.temperature": (MetricSource(key="gpu/<n>/temperature_c", where=_GPU),),
}

_BLANK, _BLANK_32 = 2.0**47, float(0x7FFF_FFF0)
_LARGE = frozenset({"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION"})
"""Of those that are mapped: what may well be larger than the blanks of 32 bits."""

SOURCES: Mapping[str, tuple[MetricSource, ...]] = {**_CLIENT, **_SERVER, **_ENGINES, **_GPUS}
"""What is read, by the metric's plain name."""

PARSERS: Mapping[str, Parser] = {
    **dict.fromkeys((*INDEX_KEYS, _PARTITION, _TOKEN_TYPE, _HARDWARE), scalar_text),
    **hardware.PARSERS,
}
"""Attributes of points that are read."""


def plain_name(name: str) -> str:
    """A metric's name without what Prometheus and its exporters add."""
    return name.replace(":", "_").removesuffix("_total")


def is_blank(name: str, value: float) -> bool:
    """Whether it is one of DCGM's values for "not known", "not supported": they come in 32 bits, 64 bits and double.

    Some exporters pass them on as temperatures, and as counters that then begin anew.
    """
    if not name.startswith("DCGM_"):
        return False
    return value >= (_BLANK_32 if name in _GPUS and name not in _LARGE else _BLANK)


def sources(
    name: str, attributes: Mapping[str, object], named: Callable[[str], str]
) -> Iterator[tuple[str, MetricSource]]:
    """The keys that a point of a metric adds to; none if it is not mapped or names no device where it has to.

    Senders name devices as they like: `named` makes a name fit to leave as a part of a key.
    """
    for source in SOURCES.get(plain_name(name), ()):
        if all(attributes.get(key) == value for key, value in source.where.items()):
            key = _on_device(source.key, attributes, named) if INDEX in source.key else source.key
            if key:
                yield key, source


def _on_device(key: str, attributes: Mapping[str, object], named: Callable[[str], str]) -> str:
    device = next((str(attributes[name]) for name in INDEX_KEYS if name in attributes), "")
    partition = attributes.get(_PARTITION)
    return key.replace(INDEX, named(f"{device}.{partition}" if partition else device)) if device else ""
