"""How a record becomes the row of its Table. A row has the columns of `tables`, in their order."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any

from spanwand.batch import Verdict
from spanwand.content import NO_CONTENT
from spanwand.events import CleanEvaluation
from spanwand.extras import ANY, begun
from spanwand.json_text import json_text
from spanwand.media import Media
from spanwand.record import Clean, GpuShare, ImageParams
from spanwand.request import Request
from spanwand.span import Attributes, AttributeValue
from spanwand.tables import CELL_MAX_CHARS, FEEDBACK, GENERATIONS, LABEL_MAX_CHARS, REQUESTS, Cell, Row
from spanwand.trace_url import trace_url
from spanwand.traces.counting import PLAIN

_NS, _NS_PER_MS = 1_000_000_000, 1_000_000
_NO_IMAGE = ImageParams()
_NO_SHARE = (None,) * 8
_SHOWN = ("input", "output")
Maker = Callable[[Any, Verdict], Row]
"""Makes the row of a record, and of the verdict about it."""


def makers(request_attributes: tuple[str, ...] = (), images: int = 0, link: str = "") -> Mapping[str, Maker]:
    """What makes the rows of each table: as the functions below, with the columns that are configured."""
    return {
        GENERATIONS: partial(generation_row, request_attributes=request_attributes, images=images, link=link),
        REQUESTS: partial(request_row, request_attributes=request_attributes, link=link),
        FEEDBACK: feedback_row,
    }


def generation_row(
    call: Clean, verdict: Verdict, request_attributes: tuple[str, ...] = (), images: int = 0, link: str = ""
) -> Row:
    """The row of a model call in `generations`, with a `trace_url` if `link` is its template, and so many images."""
    usage, image, failure, gpu = call.usage, call.image or _NO_IMAGE, call.failure, call.gpu
    counting = call.counting or PLAIN
    said = call.held_content.opened(_SHOWN) if call.held_content else NO_CONTENT
    return (
        call.trace_id.hex(),
        call.span_id.hex(),
        _time(call.start_ns),
        _text(call.service.name),
        _text(call.service.environment),
        str(call.operation),
        _text(call.provider),
        _text(call.model),
        "retried" if counting.is_retried else "error" if failure else "ok",
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
        _text(said.input),
        _text(said.output),
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
        counting.attempt,
        _text(",".join(counting.rules)),
        *_gpu(gpu),
        *_link(link, call.trace_id, call.span_id),
        *_images(call.media, images),
        *_extra(call.attributes, request_attributes),
    )


def request_row(request: Request, verdict: Verdict, request_attributes: tuple[str, ...] = (), link: str = "") -> Row:
    """The row of a trace in `requests`, with a `trace_url` if `link` is its template."""
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
        _number(request.gpu.seconds) if request.gpu else None,
        _text(request.experiment),
        _text(request.arm),
        verdict.weight,
        verdict.reason,
        _text(request.session_id),
        _text(request.prompt_name),
        _text(request.prompt_version),
        request.retries,
        request.fallbacks,
        _number(request.critical_path_s),
        request.retrievals,
        request.documents,
        _number(request.retrieval_score),
        request.revision,
        _number(request.gpu.joules) if request.gpu else None,
        *_gpu(request.gpu),
        *_link(link, request.trace_id),
        *_extra(request.attributes, request_attributes),
    )


def feedback_row(evaluation: CleanEvaluation, _: Verdict) -> Row:
    """The row of an evaluation in `feedback`, which says nothing of sampling: all are kept."""
    return (
        evaluation.trace_id.hex() or None,
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
    seconds, rest_ns = divmod(ns, _NS)
    return f"{_second(seconds)}.{rest_ns // _NS_PER_MS:03}+00:00"


@lru_cache(1024)
def _second(seconds: int) -> str:
    """Remembered: making it anew for each row is a third of what the row costs."""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat()


def _extra(attributes: Attributes, names: tuple[str, ...]) -> tuple[str | None, ...]:
    return tuple(_as_text(_extra_of(attributes, name, names)) for name in names)


def _extra_of(attributes: Attributes, name: str, names: tuple[str, ...]) -> AttributeValue:
    return begun(attributes, name, names) or None if name.endswith(ANY) else attributes.get(name)


def _gpu(share: GpuShare | None) -> tuple[Cell, ...]:
    if share is None:
        return _NO_SHARE
    return (
        share.method,
        _text(share.devices),
        share.uncertainty,
        share.memory_peak_bytes,
        share.memory_mean_bytes,
        share.utilization,
        _number(share.cost_usd),
        _number(share.co2e_g),
    )


def _link(template: str, trace_id: bytes, span_id: bytes = b"") -> tuple[str, ...]:
    return (trace_url(template, trace_id.hex(), span_id.hex()),) if template else ()


def _images(media: tuple[Media, ...], columns: int) -> tuple[Cell, ...]:
    if not columns:
        return ()
    shown = tuple(each for each in media if each.is_image)
    digests = ",".join(each.sha256 for each in shown)
    return (*shown, *[None] * (columns - len(shown)), digests or None, _recordings(media))


def _recordings(media: tuple[Media, ...]) -> str | None:
    told = [
        {"type": each.mime_type, "duration_s": each.duration_s, "size_bytes": each.size_bytes, "sha256": each.sha256}
        for each in media
        if not each.is_image
    ]
    return json_text(told, CELL_MAX_CHARS) if told else None


def _as_text(value: AttributeValue) -> str | None:
    if value is None or isinstance(value, str):
        return _text(value or "")
    return json_text(value, CELL_MAX_CHARS)
