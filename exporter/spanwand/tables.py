"""The Tables: columns with their types, and how a record becomes a row. The names are API.

A column holds one type or nothing: W&B refuses a Table that mixes them. Times are ISO-8601 text in UTC with
milliseconds, which W&B shows as written and which sorts as text does; epoch milliseconds show as a bare number.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum

import msgspec

from spanwand.batch import Verdict
from spanwand.errors import ConfigError
from spanwand.events import CleanEvaluation
from spanwand.record import Clean, ImageParams
from spanwand.request import Request
from spanwand.span import Attributes, AttributeValue

CELL_MAX_CHARS = 20_000
LABEL_MAX_CHARS = 1_024

Cell = str | int | float | None
Row = tuple[Cell, ...]


class Type(StrEnum):
    """What a column holds, if it is not empty."""

    TEXT = "str"
    WHOLE = "int"
    NUMBER = "float"


class Column(msgspec.Struct, frozen=True):
    """One column of a Table."""

    name: str
    type: Type
    description: str


GENERATIONS = "generations"
REQUESTS = "requests"
FEEDBACK = "feedback"

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
        Column("status", Type.TEXT, "`ok` or `error`"),
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
        Column("input", Type.TEXT, "prompt or messages, redacted; empty unless configured"),
        Column("output", Type.TEXT, "answer, redacted; empty unless configured"),
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
    ),
    FEEDBACK: (
        Column("trace_id", Type.TEXT, "trace id in hex"),
        Column("span_id", Type.TEXT, "span id in hex of the call that was judged; empty: the whole trace"),
        Column("time", Type.TEXT, "when it was judged, ISO-8601 in UTC"),
        Column("service", Type.TEXT, "`service.name` of who judged"),
        Column("environment", Type.TEXT, "deployment environment"),
        Column("name", Type.TEXT, "what was judged: `gen_ai.evaluation.name`"),
        Column("score", Type.NUMBER, "score, in the scorer's own unit"),
        Column("label", Type.TEXT, "verdict in a word, such as `pass`"),
        Column("explanation", Type.TEXT, "reason, redacted; empty unless content is configured"),
    ),
}
"""The columns every row has. Configured attributes follow, as text, but in `feedback`, which is joined by ids."""

_NO_IMAGE = ImageParams()


def columns(table: str, request_attributes: tuple[str, ...] = ()) -> tuple[Column, ...]:
    """The columns of a table with the configured attributes. Raises ConfigError if a name is taken."""
    fixed = TABLES[table]
    if table == FEEDBACK:
        return fixed
    names = [column.name for column in fixed] + list(request_attributes)
    taken = next((name for name in request_attributes if names.count(name) > 1), None)
    if taken is not None:
        raise ConfigError(f"gather.request_attributes: {taken!r} is already a column of the table {table!r}")
    return fixed + tuple(Column(name, Type.TEXT, "configured attribute") for name in request_attributes)


def generation_row(call: Clean, verdict: Verdict, request_attributes: tuple[str, ...] = ()) -> Row:
    """The row of a model call in `generations`."""
    usage, image, failure, gpu = call.usage, call.image or _NO_IMAGE, call.failure, call.gpu
    return (
        call.trace_id.hex(),
        call.span_id.hex(),
        _time(call.start_ns),
        _text(call.service.name),
        _text(call.service.environment),
        call.operation.value,
        _text(call.provider),
        _text(call.model),
        "error" if failure else "ok",
        _text(failure.type) if failure else None,
        call.latency_s,
        _number(call.timing.ttft_s),
        usage.input_tokens,
        usage.output_tokens,
        usage.cached_input_tokens,
        image.images,
        _number(call.cost.usd),
        _text(call.experiment),
        _text(call.arm),
        _text(call.session_id),
        _text(call.user),
        _number(gpu.seconds) if gpu else None,
        _number(gpu.joules) if gpu else None,
        verdict.weight,
        verdict.reason,
        _text(call.content.input),
        _text(call.content.output),
        _text(call.prompt_name),
        _text(call.prompt_version),
        _text(",".join(call.finish_reasons)[:LABEL_MAX_CHARS]),
        image.width,
        image.height,
        image.steps,
        _number(image.guidance_scale),
        _text(image.scheduler),
        call.params.seed if image.seed is None else image.seed,
        _number(call.cost.reported_usd),
        call.params.service_tier and call.params.service_tier.value,
        *_extra(call.attributes, request_attributes),
    )


def request_row(request: Request, verdict: Verdict, request_attributes: tuple[str, ...] = ()) -> Row:
    """The row of a trace in `requests`."""
    return (
        request.trace_id.hex(),
        _time(request.start_ns),
        _text(request.name),
        _text(request.service.name),
        _text(request.service.environment),
        request.latency_s,
        request.generations,
        request.errors,
        request.input_tokens,
        request.output_tokens,
        request.images,
        _number(request.cost_usd),
        _number(request.gpu_seconds),
        _text(request.experiment),
        _text(request.arm),
        verdict.weight,
        verdict.reason,
        *_extra(request.attributes, request_attributes),
    )


def feedback_row(evaluation: CleanEvaluation) -> Row:
    """The row of an evaluation in `feedback`."""
    return (
        evaluation.trace_id.hex(),
        evaluation.span_id.hex() or None,
        _time(evaluation.time_ns),
        _text(evaluation.service.name),
        _text(evaluation.service.environment),
        _text(evaluation.name),
        _number(evaluation.score),
        _text(evaluation.label[:LABEL_MAX_CHARS]),
        _text(evaluation.explanation),
    )


def _text(text: str) -> str | None:
    return text[:CELL_MAX_CHARS] or None


def _number(number: float | None) -> float | None:
    return None if number is None else float(number)


def _time(ns: int) -> str | None:
    if not ns:
        return None
    return datetime.fromtimestamp(ns / 1e9, UTC).isoformat(timespec="milliseconds")


def _extra(attributes: Attributes, names: tuple[str, ...]) -> tuple[str | None, ...]:
    return tuple(_as_text(attributes.get(name)) for name in names)


def _as_text(value: AttributeValue) -> str | None:
    if value is None or isinstance(value, str):
        return _text(value or "")
    return json.dumps(value, default=str, ensure_ascii=False)[:CELL_MAX_CHARS]
