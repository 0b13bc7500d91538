"""What a span does not say outright: the operation, the parameters of an image, the failure, the sender."""

from collections.abc import Mapping
from typing import Any

from spanwand.dialects.openinference import NOT_CALLS
from spanwand.dialects.plan import Groups
from spanwand.dialects.table import Reader
from spanwand.dialects.vocabulary import maker, names_image_model
from spanwand.elapsed import LONGEST_NS
from spanwand.operations import Operation
from spanwand.record import Failure, ImageParams, Service
from spanwand.span import Span

_CHAT = Operation.CHAT
"""Of nearly every span. Python 3.11 takes 0.14 µs to find a member of an enum, twice as long as to call a function."""
VISUAL = frozenset({Operation.IMAGE, Operation.VIDEO})
"""Calls that make pictures."""

DEFAULT_ENVIRONMENT = "default"
"""The environment of a service that names none."""


def failure(span: Span, hint: Mapping[str, Any], exception: Reader) -> Failure | None:
    """The failure of a span: its `error.type`, else the type of its last exception."""
    kind, message = hint.get("error_type", ""), span.status_message
    if not span.status_is_error:
        kind = kind or hint.get("failed", "")
        return Failure(kind, message or hint.get("failure_message", "")) if kind else None
    for event in reversed(span.events):
        raised = exception.read(event.attributes)["hint"]
        if raised:
            kind = kind or raised.get("exception_type", "")
            message = message or raised.get("exception_message", "")
            break
    return Failure(kind or "error", message)


def service(groups: Groups) -> Service:
    """The service that a resource names."""
    fields, hint = groups.get("service", {}), groups["hint"]
    fields.setdefault("environment", DEFAULT_ENVIRONMENT)
    if "instance" not in fields:
        fields["instance"] = "-".join(str(hint[part]) for part in ("host", "pid") if part in hint)
    return Service(**fields)


def devices(named: tuple[str, ...], visible: tuple[str, ...]) -> tuple[str, ...]:
    """The GPUs that a call names, or else those that its process sees. Numbers count among the latter."""
    return tuple([visible[int(name)] if name.isdigit() and int(name) < len(visible) else name for name in named]) or (
        visible
    )


def provider(call: dict[str, Any], sources: Mapping[str, str]) -> Mapping[str, str]:
    """Set the provider that the model's name gives away; return the sources, so noted."""
    field = "response_model" if "response_model" in call else "request_model"
    made_by = maker(call.get(field, ""))
    if not made_by:
        return sources
    call["provider"] = made_by
    return {**sources, "provider": f"{sources[field]} (its name)"}


def operation(name: str, groups: Groups, *, failed: bool) -> Operation:
    """The operation a span names, else the one its attributes give away."""
    hint = groups["hint"]
    named: Operation | None = groups[""].get("operation")
    if named is _CHAT:
        return Operation.OTHER if name.endswith(NOT_CALLS) else _kind_of_chat(groups, failed=failed)
    if named is not None:  # MLflow calls image models tools
        return Operation.IMAGE if named is Operation.TOOL and _has_image_model(groups) else named
    if groups.get("image") or _shows_image(groups):
        return Operation.IMAGE
    if "tool" in hint:
        return Operation.TOOL
    if "agent" in hint:
        return Operation.AGENT
    return _model_operation(name, groups)


def start_ns(span: Span, hint: Mapping[str, Any]) -> int:
    """When the call began: for a span that was made at its end, as much earlier as it says."""
    if hint.get("logfire_type") == "log" and "duration_s" in hint:
        return span.end_ns - int(hint["duration_s"] * 1e9)
    return span.start_ns


def end_ns(span: Span) -> int:
    """When the call ended: not before its last event. The span of a stream that is read later may end at its start."""
    last_ns = max(event.time_ns for event in span.events)
    return last_ns if span.end_ns < last_ns <= span.start_ns + LONGEST_NS else span.end_ns


def _kind_of_chat(groups: Groups, *, failed: bool) -> Operation:
    """A chat, unless the span is that of an image model, or the first one of a stream (`dialects.pydantic_ai`)."""
    hint, call = groups["hint"], groups[""]
    if _has_image_model(groups):
        return Operation.IMAGE
    if not hint and "image" not in groups:  # most spans
        return _CHAT
    if _shows_image(groups):
        return Operation.IMAGE
    if hint.get("logfire_type") != "span" or "logfire_model" not in hint:
        return Operation.CHAT
    answered = failed or "usage" in groups or "response_id" in call or "output" in groups.get("content", ())
    return Operation.CHAT if answered else Operation.OTHER


def _has_image_model(groups: Groups) -> bool:
    call = groups[""]
    return names_image_model(call.get("request_model") or call.get("response_model", ""))


def _shows_image(groups: Groups) -> bool:
    """Many dialects have one word for every model; a size of images, or their number, tells."""
    return (
        groups["hint"].get("output_type") == "image" or "size" in groups["hint"] or "images" in groups.get("image", {})
    )


def _model_operation(name: str, groups: Groups) -> Operation:
    model = groups[""].get("request_model", "")
    if names_image_model(model):
        return Operation.IMAGE
    if "dimensions" in groups["hint"] or any("embed" in text[:64].lower() for text in (model, name)):
        return Operation.EMBEDDINGS
    return Operation.CHAT if model or groups.get("usage") else Operation.OTHER


def image(
    operation: Operation, groups: Groups, sources: Mapping[str, str], *, failed: bool
) -> tuple[ImageParams | None, Mapping[str, str]]:
    """Parameters of an image call. A call that succeeded made as many images as were asked for, by default one.

    Of any other call it is known whether what it made was flagged.
    """
    if operation not in VISUAL:
        flagged = groups["image"].get("safety_flagged")
        return ImageParams(safety_flagged=flagged) if flagged else None, sources
    sources = dict(sources)
    found, hint, params = groups.get("image", {}), groups["hint"], groups.get("params", {})
    if "size" in hint and "width" not in found and "height" not in found:
        found["width"], found["height"] = hint["size"]
        sources["image.width"] = sources["image.height"] = sources["hint.size"]
    if "images" not in found and not failed:
        found["images"] = hint.get("images_asked", 1)
        sources["image.images"] = sources.get("hint.images_asked", "one, by default")
    if "seed" not in found and "seed" in params:
        found["seed"] = params["seed"]
        sources["image.seed"] = sources["params.seed"]
    return ImageParams(**found), sources
