"""The Tables: columns with their types. The names are API; how a record becomes a row is in `rows`.

A column holds one type or nothing: W&B refuses a Table that mixes them. Times are ISO-8601 text in UTC with
milliseconds, which W&B shows as written and which sorts as text does; epoch milliseconds show as a bare number.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from spanwand.errors import ConfigError
from spanwand.media import Media

SCHEMA_VERSION = 1
"""In the config of every run. It grows if a column goes away or changes its meaning or type; columns may be added."""

CELL_MAX_CHARS = 20_000
LABEL_MAX_CHARS = 1_024

Cell = str | int | float | Media | None
Row = tuple[Cell, ...]


class Type(StrEnum):
    """What a column holds, if it is not empty."""

    TEXT = "str"
    WHOLE = "int"
    NUMBER = "float"
    IMAGE = "image"
    """Cells are `Media`; each sink shows them in its own way."""


class Column(msgspec.Struct, frozen=True):
    """One column of a Table."""

    name: str
    type: Type
    description: str
    is_said: bool = False
    """Whether it may hold what somebody said: names of people are looked for in it."""


TRACE_URL = Column("trace_url", Type.TEXT, "the trace in the UI that `tables.trace_url` names")

GENERATIONS = "generations"
REQUESTS = "requests"
FEEDBACK = "feedback"

_GPU = (
    Column("gpu_method", Type.TEXT, "how it is known when it was on the GPU: `engine`, `in_process`, `overlap`"),
    Column("gpu_devices", Type.TEXT, "numbers of the GPUs, as in `gpu/<n>/…`, comma separated"),
    Column(
        "gpu_uncertainty", Type.NUMBER, "part of its time, 0 to 1, in which the share is more than a counter's growth"
    ),
    Column("gpu_memory_peak_bytes", Type.WHOLE, "most memory in use on one of them meanwhile, by whomever"),
    Column("gpu_memory_mean_bytes", Type.NUMBER, "mean memory in use meanwhile"),
    Column("gpu_utilization", Type.NUMBER, "mean part of the time in which they worked, 0 to 1"),
    Column("gpu_cost_usd", Type.NUMBER, "GPU seconds at the price of the GPU, in US dollars"),
    Column("gpu_co2e_g", Type.NUMBER, "grams of CO2 equivalent of the energy"),
)
"""What is known of a share besides seconds and joules: docs/what-did-this-image-cost.md."""

TABLES: Mapping[str, tuple[Column, ...]] = {
    GENERATIONS: (
        Column("trace_id", Type.TEXT, "trace id in hex"),
        Column("span_id", Type.TEXT, "span id in hex"),
        Column("start_time", Type.TEXT, "start, ISO-8601 in UTC"),
        Column("service", Type.TEXT, "`service.name`"),
        Column("environment", Type.TEXT, "deployment environment"),
        Column("operation", Type.TEXT, "`gen_ai.operation.name`, or the like"),
        Column("provider", Type.TEXT, "who runs the model"),
        Column("model", Type.TEXT, "model that answered, else the one asked for"),
        Column("status", Type.TEXT, "`ok`, `error`, or `retried`: failed and made again, no call of its own"),
        Column("error_type", Type.TEXT, "`error.type` of a failed call"),
        Column("latency_s", Type.NUMBER, "seconds from start to end; empty if the times make no sense"),
        Column("ttft_s", Type.NUMBER, "seconds to the first token"),
        Column("input_tokens", Type.WHOLE, "input tokens, cached ones included"),
        Column("output_tokens", Type.WHOLE, "output tokens, reasoning included"),
        Column("cached_input_tokens", Type.WHOLE, "input tokens read from a cache"),
        Column("images", Type.WHOLE, "images made"),
        Column("cost_usd", Type.NUMBER, "cost in US dollars: the computed one, else the reported one"),
        Column("experiment", Type.TEXT, "experiment the call belongs to"),
        Column("arm", Type.TEXT, "arm of the experiment"),
        Column("session_id", Type.TEXT, "conversation or session"),
        Column("user", Type.TEXT, "pseudonym of the user"),
        Column("gpu_seconds", Type.NUMBER, "share of GPU time"),
        Column("gpu_joules", Type.NUMBER, "share of GPU energy"),
        Column("sample_weight", Type.NUMBER, "calls this row stands for: 1 / probability of being kept"),
        Column("sample_reason", Type.TEXT, "sampler that decided"),
        Column("input", Type.TEXT, "prompt or messages, redacted; empty unless configured", is_said=True),
        Column("output", Type.TEXT, "answer, redacted; empty unless configured", is_said=True),
        Column("prompt_name", Type.TEXT, "prompt template"),
        Column("prompt_version", Type.TEXT, "version of the prompt template"),
        Column("finish_reasons", Type.TEXT, "why the model stopped, comma separated"),
        Column("width", Type.WHOLE, "image width in pixels"),
        Column("height", Type.WHOLE, "image height in pixels"),
        Column("steps", Type.WHOLE, "denoising steps"),
        Column("guidance_scale", Type.NUMBER, "classifier-free guidance"),
        Column("scheduler", Type.TEXT, "noise scheduler"),
        Column("seed", Type.WHOLE, "seed of the call"),
        Column("reported_cost_usd", Type.NUMBER, "cost as the app reported it, in US dollars"),
        Column("service_tier", Type.TEXT, "terms that change the price: `batch`, `flex`, `priority`…"),
        Column("attempt", Type.WHOLE, "which try of its call this is, from 1 on"),
        Column("counted_by", Type.TEXT, "rules of counting that decided, comma separated"),
        *_GPU,
    ),
    REQUESTS: (
        Column("trace_id", Type.TEXT, "trace id in hex"),
        Column("start_time", Type.TEXT, "first start, ISO-8601 in UTC"),
        Column("name", Type.TEXT, "name of the root span"),
        Column("service", Type.TEXT, "`service.name` of the root"),
        Column("environment", Type.TEXT, "deployment environment"),
        Column("latency_s", Type.NUMBER, "seconds from first start to last end"),
        Column("generations", Type.WHOLE, "model calls"),
        Column("errors", Type.WHOLE, "failed calls; 1 if only the root failed"),
        Column("input_tokens", Type.WHOLE, "input tokens of all calls that know them"),
        Column("output_tokens", Type.WHOLE, "output tokens of all calls that know them"),
        Column("images", Type.WHOLE, "images made"),
        Column("cost_usd", Type.NUMBER, "cost of all calls that know it, in US dollars"),
        Column("gpu_seconds", Type.NUMBER, "share of GPU time"),
        Column("experiment", Type.TEXT, "experiment the request belongs to"),
        Column("arm", Type.TEXT, "arm of the experiment"),
        Column("sample_weight", Type.NUMBER, "requests this row stands for: 1 / probability of being kept"),
        Column("sample_reason", Type.TEXT, "sampler that decided"),
        Column("session_id", Type.TEXT, "conversation or session"),
        Column("prompt_name", Type.TEXT, "prompt template of the first call that names one"),
        Column("prompt_version", Type.TEXT, "version of the prompt template"),
        Column("retries", Type.WHOLE, "tries that failed and were made again"),
        Column("fallbacks", Type.WHOLE, "calls that another model answered after one had failed"),
        Column("critical_path_s", Type.NUMBER, "seconds in calls and retrievals that it waited for in turn"),
        Column("retrievals", Type.WHOLE, "retrieval and rerank steps"),
        Column("documents", Type.WHOLE, "documents that these found"),
        Column("retrieval_score", Type.NUMBER, "mean of the best score of each of these"),
        Column("revision", Type.WHOLE, "1, or more if late spans amended the row: the highest one of a trace holds"),
        Column("gpu_joules", Type.NUMBER, "share of GPU energy"),
        *_GPU,
    ),
    FEEDBACK: (
        Column("trace_id", Type.TEXT, "trace id in hex; empty: not known"),
        Column("span_id", Type.TEXT, "span id in hex of the call that was judged; empty: the whole trace"),
        Column("time", Type.TEXT, "when it was judged, ISO-8601 in UTC"),
        Column("service", Type.TEXT, "`service.name` of who judged"),
        Column("environment", Type.TEXT, "deployment environment"),
        Column("name", Type.TEXT, "what was judged: `gen_ai.evaluation.name`"),
        Column("score", Type.NUMBER, "score, in the scorer's own unit"),
        Column("label", Type.TEXT, "verdict in a word, such as `pass`"),
        Column("explanation", Type.TEXT, "reason, redacted; empty unless content is configured", is_said=True),
    ),
}
"""The columns every row has. Configured attributes follow, as text, but in `feedback`, which is joined by ids."""


def layout(
    request_attributes: tuple[str, ...], images: int, *, has_links: bool = False
) -> Mapping[str, tuple[Column, ...]]:
    """The columns of all tables as configured. Raises ConfigError if a name is taken."""
    return {table: columns(table, request_attributes, images, has_links=has_links) for table in TABLES}


def columns(
    table: str, request_attributes: tuple[str, ...] = (), images: int = 0, *, has_links: bool = False
) -> tuple[Column, ...]:
    """The columns of a table with links, with so many images of a call, and with the configured attributes.

    Raises ConfigError if a name is taken.
    """
    if table == FEEDBACK:
        return TABLES[table]
    fixed = TABLES[table] + (TRACE_URL,) * has_links + (image_columns(images) if table == GENERATIONS else ())
    names = [column.name for column in fixed] + list(request_attributes)
    taken = next((name for name in request_attributes if names.count(name) > 1), None)
    if taken is not None:
        raise ConfigError(f"gather.request_attributes: {taken!r} is already a column of the table {table!r}")
    return fixed + tuple(Column(name, Type.TEXT, "configured attribute", is_said=True) for name in request_attributes)


def image_columns(images: int) -> tuple[Column, ...]:
    """The columns of so many images of a call; none if images are off."""
    if not images:
        return ()
    names = ["image", *(f"image_{number}" for number in range(2, images + 1))]
    shown = (Column(name, Type.IMAGE, "image that was made, or sent along; without metadata") for name in names)
    return (
        *shown,
        Column("image_sha256", Type.TEXT, "digests of these as they were sent, comma separated"),
        Column("recordings", Type.TEXT, "sounds and videos as JSON: type, seconds, bytes and digest of each"),
    )
