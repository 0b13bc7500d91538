"""One call of a pipeline as a span, with an event in it for each phase.

A pipeline inside another one (a prior, a decoder) is a part of that call: it has its own span, but counts nothing for
itself; its steps and phases are the outer call's as well.
"""

import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import msgspec
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer

from spanwand.dialects.written import Fields, attributes
from spanwand.instrumentation.arguments import Arguments
from spanwand.instrumentation.diffusers.asked import (
    CONTENT_READERS,
    READERS,
    arguments_of,
    operation_of,
    quotes_prompt,
    read,
    scheduler,
)
from spanwand.instrumentation.diffusers.made import made_by, shown
from spanwand.instrumentation.diffusers.phases import Interval, Phases, steps_of, total_s
from spanwand.instrumentation.diffusers.placement import placement_of
from spanwand.instrumentation.guard import guarded

PROVIDER = "diffusers"
_MOST_PHASES = 8
"""Events of one phase, if it is run again and again; the durations tell of all."""


_arguments_of = guarded(arguments_of)


class Settings(msgspec.Struct, frozen=True):
    """What spans are made with. `send_image` takes the span, a place from 0 on, and a picture of Pillow's."""

    tracer: Tracer
    captures_content: bool = False
    send_image: Callable[[Span, int, Any], None] | None = None


class Call(msgspec.Struct, kw_only=True):
    """A call that is running. `epoch_ns` is what a mark of its phases lacks to be a time since the Unix epoch."""

    settings: Settings
    pipeline: Any
    arguments: Arguments
    span: Span
    outer: "Call | None"
    epoch_ns: int
    phases: Phases
    decoding: Interval | None = None
    device: Any = None


@guarded
def begin(
    settings: Settings, method: Callable[..., Any], outer: Call | None, args: tuple[Any, ...], kwargs: Arguments
) -> Call:
    """Start the span of a call; `args` begin with the pipeline."""
    start_ns = time.time_ns()
    epoch_ns = start_ns - time.perf_counter_ns()
    pipeline, *_ = args
    arguments = _arguments_of(method, args, kwargs) or {}
    operation = operation_of(method).value
    fields = _part(pipeline) if outer else _whole(settings, operation, pipeline, arguments)
    name = type(pipeline).__name__ if outer else f"{operation} {fields.get('request_model') or ''}".strip()
    span = settings.tracer.start_span(name, kind=SpanKind.INTERNAL, attributes=attributes(fields), start_time=start_ns)
    return Call(
        settings=settings,
        pipeline=pipeline,
        arguments=arguments,
        span=span,
        outer=outer,
        epoch_ns=epoch_ns,
        phases=Phases(),
    )


@guarded
def succeed(call: Call, output: Any) -> None:
    """Say what came of it, and hand pictures over, if that was asked for."""
    call.decoding = call.phases.decoding(time.perf_counter_ns())
    if call.outer:
        return
    call.span.set_attributes(attributes(made_by(output, call.arguments)))
    if call.settings.send_image and call.span.is_recording():
        for index, image in shown(output):
            call.settings.send_image(call.span, index, image)


@guarded
def fail(call: Call, error: BaseException) -> None:
    """Say what was raised: an error, or what broke the call off."""
    call.span.set_attributes(attributes({"hint.error_type": type(error).__qualname__}))
    if not call.settings.captures_content and quotes_prompt(str(error), call.arguments):
        call.span.set_status(StatusCode.ERROR)
        return
    call.span.set_status(StatusCode.ERROR, str(error))
    call.span.record_exception(error)


@guarded
def end(call: Call) -> None:
    """End the span, whatever can be said of where and when it ran."""
    if call.outer:
        call.outer.phases.parts.append(call.phases)
        call.outer.device = call.outer.device or call.device
        fields = _part_steps(call)
    else:
        fields = {**(_timing(call) or {}), **(placement_of(call.pipeline, call.device) or {})}
    call.span.set_attributes(attributes(fields or {}))
    _tell_phases(call)
    call.span.end()


@guarded
def _tell_phases(call: Call) -> None:
    for name, intervals in _intervals(call):
        for interval in islice(intervals, _MOST_PHASES):
            fields: Fields = {"phase.duration_s": total_s([interval])}
            call.span.add_event(name, attributes(fields), call.epoch_ns + interval.start_ns)


def _intervals(call: Call) -> Iterator[tuple[str, Iterator[Interval]]]:
    """Its own phases; parts have told theirs."""
    yield "text_encode", iter(call.phases.texts)
    yield "denoise", (loop.interval for loop in call.phases.loops)
    yield "decode", iter([call.decoding] if call.decoding and call.phases.loops else [])


def _whole(settings: Settings, operation: str, pipeline: Any, arguments: Arguments) -> Fields:
    readers = CONTENT_READERS if settings.captures_content else READERS
    return {"operation": operation, "provider": PROVIDER, **read(readers, pipeline, arguments)}


def _part(pipeline: Any) -> Fields:
    return {"part.pipeline": type(pipeline).__name__, "part.scheduler": scheduler(pipeline, {})}


@guarded
def _part_steps(call: Call) -> Fields:
    steps = steps_of(call.phases)
    return {"part.steps": steps and steps.done}


@guarded
def _timing(call: Call) -> Fields:
    phases = call.phases
    fields: Fields = {
        "timing.text_encode_s": total_s(phases.all_texts()),
        "timing.denoise_s": total_s(loop.interval for loop in phases.all_loops()),
        "timing.decode_s": total_s([call.decoding] if call.decoding else []),
    }
    steps = steps_of(phases)
    if steps is None:
        return fields
    return {
        **fields,
        "interrupted": True if call.decoding and steps.done < steps.asked else None,
        "image.steps": steps.done,
        "steps_asked": steps.asked,
        "step.first_s": steps.first_s,
        "step.p50_s": steps.p50_s,
        "step.max_s": steps.max_s,
    }
