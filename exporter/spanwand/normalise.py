"""The second stage: a span in any dialect -> the one record of a model call, and of the request it belongs to."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from spanwand import infer
from spanwand.dialects import DIALECTS
from spanwand.dialects.counting import exclusive
from spanwand.dialects.diffusion import DIFFUSION
from spanwand.dialects.events import EVENT_PARSERS, happened
from spanwand.dialects.gen_ai import GEN_AI
from spanwand.dialects.general import EXCEPTION, GENERAL, RESOURCE, conventional
from spanwand.dialects.parsers import as_sent
from spanwand.dialects.table import PARTS, Dialect, Groups, Plan, Reader
from spanwand.oddities import Oddities, Oddity
from spanwand.record import Generation, Service
from spanwand.request import TraceRoot
from spanwand.span import Attributes, AttributeValue, Keys, Parser, Span, SpanResource
from spanwand.token_counts import MOST_TOKENS, settle

_AHEAD_NS = 60 * 1_000_000_000
"""By how much the clock of a sender may be ahead of ours; hosts that keep time are within a second."""
_NEVER_NS = 2**64


class _Origin(msgspec.Struct, frozen=True):
    """What a resource says; read once for all the spans it sent."""

    service: Service
    experiment: str
    arm: str
    extras: Attributes
    visible: tuple[str, ...] = ()
    """GPUs."""


class Normalise:
    """Turns spans into records. `request_attributes` are keys of span or resource that records carry along.

    `oddities` counts what could not be true as it was sent.
    """

    def __init__(self, request_attributes: Sequence[str] = (), dialects: Sequence[Dialect] = DIALECTS) -> None:
        self.oddities = Oddities()
        self._extras = tuple(request_attributes)
        self._call = Reader((GENERAL, *dialects))
        self._general = Reader((GENERAL,))
        self._exception = Reader((EXCEPTION,))
        self._resource = Reader((RESOURCE,))
        self._event_keys = {name: key for dialect in dialects for name, key in dialect.events.items()}
        self.keys = Keys(
            markers=frozenset().union(*(dialect.markers for dialect in dialects)),
            parsers=dict.fromkeys(request_attributes, as_sent) | _parsers(self._call, self._exception, self._resource),
            conventional_markers=DIFFUSION.markers | GEN_AI.markers,
            conventional=conventional,
            lists=frozenset().union(*(dialect.lists for dialect in dialects)),
            events=frozenset(self._event_keys),
            event_parsers={**EVENT_PARSERS, **self._exception.parsers},
        )
        self._origins: tuple[Attributes | None, _Origin] = (None, _Origin(Service(), "", "", {}))

    def __call__(self, span: Span, arrival_ns: int = _NEVER_NS) -> Generation | None:
        """Return the model call a span reports; `None` if it carries no dialect's marker. It came at `arrival_ns`."""
        attributes = {**span.attributes, **self._happened(span)} if span.events else span.attributes
        plan = self._call.plan(attributes)
        if not plan.dialect:
            return None
        if plan.documents:
            attributes, plan = self._call.open(attributes, plan)
        self._check_clock(span, arrival_ns)
        groups = plan.read(attributes)
        call, hint = groups[""], groups["hint"]
        origin = self._origin(span.resource)
        failure = infer.failure(span, hint, self._exception)
        operation = call["operation"] = infer.operation(span.name, groups, failed=failure is not None)
        _assign(call, hint, origin)
        sources, usage = plan.sources, groups.get("usage")
        if plan.unsettled or span.dropped_attributes or (usage and not 0 < max(usage.values()) <= MOST_TOKENS):
            sources = self._settled(span, groups, plan)
        if "provider" not in call:
            sources = infer.provider(call, sources)
        if "image" in groups or operation in infer.VISUAL:
            call["image"], sources = infer.image(operation, groups, sources, failed=failure is not None)
        if "devices" in hint or origin.visible:
            call["devices"] = infer.devices(hint.get("devices", ()), origin.visible)
        for part in plan.parts:
            call[part] = PARTS[part](**groups[part])
        return Generation(
            trace_id=span.trace_id,
            span_id=span.span_id,
            parent_span_id=span.parent_span_id,
            trace_state=span.trace_state,
            start_ns=infer.start_ns(span, hint) if hint else span.start_ns,
            end_ns=infer.end_ns(span) if span.events else span.end_ns,
            service=origin.service,
            name=span.name,
            dialect=self._call.dialect(plan, span.resource.scope_name),
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
            failure=infer.failure(span, hint, self._exception),
            attributes=self._extra(span, origin),
            **call,
        )

    def service(self, resource: SpanResource) -> Service:
        """The service that sent something."""
        return self._origin(resource).service

    def home(self, resource: SpanResource) -> tuple[Service, str, str]:
        """The service that sent something, and the experiment and arm that all of it belongs to."""
        origin = self._origin(resource)
        return origin.service, origin.experiment, origin.arm

    @property
    def resource_parsers(self) -> Mapping[str, Parser]:
        """What is read of a resource, for who decodes other signals."""
        return self._resource.parsers

    def _origin(self, resource: SpanResource) -> _Origin:
        attributes, origin = self._origins
        if attributes is not resource.attributes:
            groups = self._resource.read(resource.attributes)
            call = groups[""]
            extras = {key: resource.attributes[key] for key in self._extras if key in resource.attributes}
            visible = groups["hint"].get("visible_devices", ())
            origin = _Origin(infer.service(groups), call.get("experiment", ""), call.get("arm", ""), extras, visible)
            self._origins = resource.attributes, origin
        return origin

    def _extra(self, span: Span, origin: _Origin) -> Attributes:
        if not self._extras:
            return origin.extras
        own = {key: span.attributes[key] for key in self._extras if key in span.attributes}
        return {**origin.extras, **own}

    def _happened(self, span: Span) -> dict[str, AttributeValue]:
        """What its events say, as attributes."""
        sent = happened(span.events, self._event_keys, span.start_ns)
        parsed = {key: self._call.parsers[key](value) for key, value in sent.items()}
        return {key: value for key, value in parsed.items() if value is not None}

    def _check_clock(self, span: Span, arrival_ns: int) -> None:
        if not span.start_ns <= span.end_ns <= arrival_ns + _AHEAD_NS:
            is_backwards = span.end_ns < span.start_ns
            self.oddities[Oddity.ENDS_BEFORE_START if is_backwards else Oddity.FROM_THE_FUTURE] += 1

    def _settled(self, span: Span, groups: Groups, plan: Plan) -> Mapping[str, str]:
        """Put right what a span says in its own way; return the sources, so noted."""
        usage, sources = groups.get("usage"), plan.sources
        if span.dropped_attributes:
            self.oddities[Oddity.ATTRIBUTES_DROPPED] += 1
        if groups.get("params", {}).get("stream") is False:
            groups.get("timing", {}).pop("ttft_s", None)
        if "first_token_ns" in groups["hint"]:
            sources = _first_token(groups, sources, span.start_ns)
        return self._counted(usage, groups, sources, span.resource) if usage else sources

    def _counted(
        self, usage: dict[str, int], groups: Groups, sources: Mapping[str, str], resource: SpanResource
    ) -> Mapping[str, str]:
        """Make the counts include their parts."""
        known = exclusive(resource.scope_name, resource.scope_version, groups[""].get("provider", ""))
        settled = settle(usage, groups["hint"].get("total_tokens"), known)
        self.oddities.update(settled.oddities)
        if not settled.notes:
            return sources
        return {**sources, **{path: sources[path] + note for path, note in settled.notes.items()}}


def _parsers(*readers: Reader) -> dict[str, Parser]:
    """Those of several readers. Raises ValueError for a key that two of them parse differently."""
    parsers: dict[str, Parser] = {}
    for reader in readers:
        for key, parse in reader.parsers.items():
            if parsers.setdefault(key, parse) is not parse:
                raise ValueError(f"{key} has two parsers")
    return parsers


def _assign(call: dict[str, Any], hint: Mapping[str, Any], origin: _Origin) -> None:
    """Set experiment and arm: ours, the span's before the resource's; else those of a feature flag it evaluated."""
    if origin.experiment:
        call.setdefault("experiment", origin.experiment)
    if origin.arm:
        call.setdefault("arm", origin.arm)
    if "flag" in hint and "variant" in hint and "experiment" not in call and "arm" not in call:
        call["experiment"], call["arm"] = hint["flag"], hint["variant"]


def _first_token(groups: Groups, sources: Mapping[str, str], start_ns: int) -> Mapping[str, str]:
    """Set the time to the first token from the moment it came, where no duration was sent."""
    timing, moment_ns = groups["timing"], groups["hint"]["first_token_ns"]
    if moment_ns < start_ns or "ttft_s" in timing:
        return sources
    timing["ttft_s"] = (moment_ns - start_ns) / 1e9
    return {**sources, "timing.ttft_s": sources["hint.first_token_ns"]}
