"""The second stage: a span in any dialect -> the one record of a model call, and of the request it belongs to."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from spanwand.dialects import DIALECTS
from spanwand.dialects.general import EXCEPTION, GENERAL, RESOURCE
from spanwand.dialects.parsers import as_sent
from spanwand.dialects.table import PARTS, Dialect, Groups, Reader
from spanwand.operations import Operation
from spanwand.record import Failure, Generation, ImageParams, Service
from spanwand.request import TraceRoot
from spanwand.span import Attributes, Keys, Parser, Span, SpanResource

DEFAULT_ENVIRONMENT = "default"
"""The environment of a service that names none."""
_VISUAL = frozenset({Operation.IMAGE, Operation.VIDEO})


class _Origin(msgspec.Struct, frozen=True):
    """What a resource says; read once for all the spans it sent."""

    service: Service
    experiment: str
    arm: str
    extras: Attributes


class Normalise:
    """Turns spans into records. `request_attributes` are keys of span or resource that records carry along."""

    def __init__(self, request_attributes: Sequence[str] = (), dialects: Sequence[Dialect] = DIALECTS) -> None:
        self._dialects = dialects
        self._extras = tuple(request_attributes)
        self._call = Reader((GENERAL, *dialects))
        self._general = Reader((GENERAL,))
        self._exception = Reader((EXCEPTION,))
        self._resource = Reader((RESOURCE,))
        self.keys = Keys(
            markers=frozenset().union(*(dialect.markers for dialect in dialects)),
            parsers=dict.fromkeys(request_attributes, as_sent) | _parsers(self._call, self._exception, self._resource),
        )
        self._origins: tuple[Attributes | None, _Origin] = (None, _Origin(Service(), "", "", {}))

    def __call__(self, span: Span) -> Generation | None:
        """Return the model call a span reports; `None` if it carries no dialect's marker."""
        plan = self._call.plan(span.attributes)
        if not plan.dialect:
            return None
        groups, sources = plan.read(span.attributes), plan.sources
        call, usage = groups[""], groups.get("usage")
        origin = self._origin(span.resource)
        failure = _failure(span, groups["hint"], self._exception)
        operation = call["operation"] = _operation(span.name, groups)
        _assign(call, groups["hint"], origin)
        if usage and ("cached_input_tokens" in usage or "cache_write_input_tokens" in usage):
            sources = _inclusive(usage, sources)
        if operation in _VISUAL:
            call["image"], sources = _image(groups, sources, failed=failure is not None)
        for part in plan.parts:
            call[part] = PARTS[part](**groups[part])
        return Generation(
            trace_id=span.trace_id,
            span_id=span.span_id,
            parent_span_id=span.parent_span_id,
            trace_state=span.trace_state,
            start_ns=span.start_ns,
            end_ns=span.end_ns,
            service=origin.service,
            dialect=plan.dialect,
            failure=failure,
            attributes=self._extra(span, origin),
            sources=sources,
            **call,
        )

    def root(self, span: Span) -> TraceRoot | None:
        """Return the root of a request; `None` unless the span has no parent, or one in another process."""
        if span.parent_span_id and not span.parent_is_remote:
            return None
        groups = self._general.read(span.attributes)
        call, hint = groups[""], groups["hint"]
        origin = self._origin(span.resource)
        _assign(call, hint, origin)
        return TraceRoot(
            trace_id=span.trace_id,
            span_id=span.span_id,
            parent_span_id=span.parent_span_id,
            name=span.name,
            start_ns=span.start_ns,
            end_ns=span.end_ns,
            service=origin.service,
            failure=_failure(span, hint, self._exception),
            attributes=self._extra(span, origin),
            **call,
        )

    def _origin(self, resource: SpanResource) -> _Origin:
        attributes, origin = self._origins
        if attributes is not resource.attributes:
            groups = self._resource.read(resource.attributes)
            call = groups[""]
            extras = {key: resource.attributes[key] for key in self._extras if key in resource.attributes}
            origin = _Origin(_service(groups), call.get("experiment", ""), call.get("arm", ""), extras)
            self._origins = resource.attributes, origin
        return origin

    def _extra(self, span: Span, origin: _Origin) -> Attributes:
        if not self._extras:
            return origin.extras
        own = {key: span.attributes[key] for key in self._extras if key in span.attributes}
        return {**origin.extras, **own}


def _parsers(*readers: Reader) -> dict[str, Parser]:
    """Those of several readers. Raises ValueError for a key that two of them parse differently."""
    parsers: dict[str, Parser] = {}
    for reader in readers:
        for key, parse in reader.parsers.items():
            if parsers.setdefault(key, parse) is not parse:
                raise ValueError(f"{key} has two parsers")
    return parsers


def _failure(span: Span, hint: Mapping[str, Any], exception: Reader) -> Failure | None:
    """The failure of a span: its `error.type`, else the type of its last exception."""
    kind, message = hint.get("error_type", ""), span.status_message
    if not span.status_is_error:
        return Failure(kind, message) if kind else None
    for event in reversed(span.events):
        raised = exception.read(event.attributes)["hint"]
        if raised:
            kind = kind or raised.get("exception_type", "")
            message = message or raised.get("exception_message", "")
            break
    return Failure(kind or "error", message)


def _service(groups: Groups) -> Service:
    fields, hint = groups.get("service", {}), groups["hint"]
    fields.setdefault("environment", DEFAULT_ENVIRONMENT)
    if "instance" not in fields:
        fields["instance"] = "-".join(str(hint[part]) for part in ("host", "pid") if part in hint)
    return Service(**fields)


def _operation(name: str, groups: Groups) -> Operation:
    """The operation a span names, else the one its attributes give away."""
    hint = groups["hint"]
    named: Operation | None = groups[""].get("operation")
    if named is not None:
        return Operation.IMAGE if named is Operation.CHAT and hint.get("output_type") == "image" else named
    if groups.get("image") or hint.get("output_type") == "image":
        return Operation.IMAGE
    if "tool" in hint:
        return Operation.TOOL
    if "agent" in hint:
        return Operation.AGENT
    return _model_operation(name, groups)


def _model_operation(name: str, groups: Groups) -> Operation:
    model = groups[""].get("request_model", "")
    if "dimensions" in groups["hint"] or any("embed" in text[:64].lower() for text in (model, name)):
        return Operation.EMBEDDINGS
    return Operation.CHAT if model or groups.get("usage") else Operation.OTHER


def _assign(call: dict[str, Any], hint: Mapping[str, Any], origin: _Origin) -> None:
    """Set experiment and arm: ours, the span's before the resource's; else those of a feature flag it evaluated."""
    if origin.experiment:
        call.setdefault("experiment", origin.experiment)
    if origin.arm:
        call.setdefault("arm", origin.arm)
    if "flag" in hint and "variant" in hint and "experiment" not in call and "arm" not in call:
        call["experiment"], call["arm"] = hint["flag"], hint["variant"]


def _inclusive(usage: dict[str, Any], sources: Mapping[str, str]) -> Mapping[str, str]:
    """Make the input include cached tokens where they cannot have been part of it; return the sources, so noted."""
    cached = usage.get("cached_input_tokens", 0) + usage.get("cache_write_input_tokens", 0)
    if cached <= usage.get("input_tokens", cached):
        return sources
    usage["input_tokens"] += cached
    return {**sources, "usage.input_tokens": sources["usage.input_tokens"] + " (was exclusive of cached tokens)"}


def _image(groups: Groups, sources: Mapping[str, str], *, failed: bool) -> tuple[ImageParams, Mapping[str, str]]:
    """Parameters of an image call. A call that succeeded made as many images as were asked for, by default one."""
    sources = dict(sources)
    image, hint, params = groups.get("image", {}), groups["hint"], groups.get("params", {})
    if "size" in hint and "width" not in image and "height" not in image:
        image["width"], image["height"] = hint["size"]
        sources["image.width"] = sources["image.height"] = sources["hint.size"]
    if "images" not in image and not failed:
        image["images"] = hint.get("images_asked", 1)
        sources["image.images"] = sources.get("hint.images_asked", "one, by default")
    if "seed" not in image and "seed" in params:
        image["seed"] = params["seed"]
        sources["image.seed"] = sources["params.seed"]
    return ImageParams(**image), sources
