"""The second stage: a span in any dialect -> the one record of a model call, and of the request it belongs to."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from spanwand import infer
from spanwand.dialects import DIALECTS
from spanwand.dialects.counting import exclusive
from spanwand.dialects.diffusion import DIFFUSION
from spanwand.dialects.events import EVENT_PARSERS, happened
from spanwand.dialects.gen_ai import GEN_AI
from spanwand.dialects.general import EXCEPTION, GENERAL, RESOURCE, conventional
from spanwand.dialects.parsers import as_sent
from spanwand.dialects.plan import PARTS, Groups, Plan, read
from spanwand.dialects.table import Dialect, Reader
from spanwand.extras import Extras, beginnings, named
from spanwand.oddities import Oddities, Oddity
from spanwand.origin import Origin, Origins
from spanwand.record import Generation, Params, Service
from spanwand.request import TraceRoot
from spanwand.span import Attributes, Keys, Parser, Span, SpanResource
from spanwand.token_counts import MOST_TOKENS, Exclusive, settle

_AHEAD_NS = 60 * 1_000_000_000
"""By how much the clock of a sender may be ahead of ours; hosts that keep time are within a second."""
_NEVER_NS = 2**64
_MOST_KINDS = 2048
_LONGEST_LOOK = 1_000
"""Characters of what calls of a kind have in common: what is longer is not met again."""


class _Kind(msgspec.Struct, frozen=True, gc=False):
    """What calls have in common that say the same but for what is each one's own."""

    call: Generation
    """Without that."""
    hint: Mapping[str, Any]
    exclusive: Exclusive


class Normalise:
    """Turns spans into records. `request_attributes` are what of span or resource they carry along (`extras`).

    `oddities` counts what could not be true as it was sent.
    """

    def __init__(self, request_attributes: Sequence[str] = (), dialects: Sequence[Dialect] = DIALECTS) -> None:
        self.oddities = Oddities()
        self._call = Reader((GENERAL, *dialects))
        self._general = Reader((GENERAL,))
        self._exception = Reader((EXCEPTION,))
        self._resource = Reader((RESOURCE,))
        self._event_keys = {name: key for dialect in dialects for name, key in dialect.events.items()}
        read_keys = _parsers(self._call, self._exception, self._resource)
        self._extras = Extras(request_attributes, read_keys) if request_attributes else None
        self.keys = Keys(
            markers=frozenset().union(*(dialect.markers for dialect in dialects)),
            parsers=dict.fromkeys(named(request_attributes), as_sent) | read_keys,
            conventional_markers=DIFFUSION.markers | GEN_AI.markers,
            conventional=conventional,
            lists=frozenset().union(*(dialect.lists for dialect in dialects)),
            events=frozenset(self._event_keys),
            beginnings=beginnings(request_attributes),
            event_parsers={**EVENT_PARSERS, **self._exception.parsers},
        )
        self._origins = Origins(self._resource)
        self._kinds: dict[tuple[Origin, Plan, tuple[object, ...]], _Kind] = {}

    def __call__(self, span: Span, arrival_ns: int = _NEVER_NS) -> Generation | None:
        """Return the model call a span reports; `None` if it carries no dialect's marker. It came at `arrival_ns`."""
        attributes = self._said(span) if span.events or self._extras else span.attributes
        plan = self._call.plan(attributes)
        if not plan.dialect:
            return None
        if plan.documents:
            attributes, plan = self._call.open(attributes, plan)
        if not span.start_ns <= span.end_ns <= arrival_ns + _AHEAD_NS:
            self.oddities[_clock_oddity(span)] += 1
        kind = self._kind(span, attributes, plan)
        groups, hint = read(plan.own, attributes), kind.hint
        own, usage = groups[""], groups.get("usage")
        if plan.unsettled or span.dropped_attributes or (usage and not 0 < max(usage.values()) <= MOST_TOKENS):
            own["sources"] = self._settled(span, groups, kind)
        for part in plan.own_parts:
            own[part] = PARTS[part](**groups[part])
        if hint or span.status_is_error:
            own["failure"] = infer.failure(span, hint, self._exception)
        if self._extras:
            own["attributes"] = self._extras.of(span.resource.attributes, span.attributes)
        return replace(
            kind.call,
            trace_id=span.trace_id,
            span_id=span.span_id,
            parent_span_id=span.parent_span_id,
            trace_state=span.trace_state,
            start_ns=infer.start_ns(span, hint) if hint else span.start_ns,
            end_ns=infer.end_ns(span) if span.events else span.end_ns,
            **own,
        )

    def _kind(self, span: Span, attributes: Attributes, plan: Plan) -> _Kind:
        origin = self._origins.of(span.resource)
        look = (span.name, span.status_is_error, plan.alike(attributes))
        kind = self._kinds.get((origin, plan, look))
        if kind is None:
            kind = self._made_kind(span, read(plan.groups, attributes), plan, origin)
            if len(self._kinds) >= _MOST_KINDS:
                self._kinds.clear()
            if len(repr(look)) <= _LONGEST_LOOK:
                self._kinds[origin, plan, look] = kind
        return kind

    def _made_kind(self, span: Span, groups: Groups, plan: Plan, origin: Origin) -> _Kind:
        call, hint, sources = groups[""], groups["hint"], plan.sources
        failed = infer.failure(span, hint, self._exception) is not None
        operation = infer.operation(span.name, groups, failed=failed)
        _assign(call, hint, origin)
        known = exclusive(origin.scope_name, origin.scope_version, call.get("provider", ""))
        if "provider" not in call:
            sources = infer.provider(call, sources)
        if "image" in groups or operation in infer.VISUAL:
            call["image"], sources = infer.image(operation, groups, sources, failed=failed)
        if "devices" in hint or origin.visible:
            call["devices"] = infer.devices(hint.get("devices", ()), origin.visible)
        if "params" in groups:
            call["params"] = Params(**groups["params"])
        made = Generation(
            trace_id=b"",
            span_id=b"",
            start_ns=0,
            end_ns=0,
            service=origin.service,
            name=span.name,
            dialect=self._call.dialect(plan, origin.scope_name),
            attributes={},
            sources=sources,
            **call | {"operation": operation},
        )
        return _Kind(made, hint, known)

    def root(self, span: Span) -> TraceRoot | None:
        """Return the root of a request; `None` unless the span has no parent, or one in another process."""
        if span.parent_span_id and not span.parent_is_remote:
            return None
        groups = self._general.read(span.attributes)
        call, hint = groups[""], groups["hint"]
        origin = self._origins.of(span.resource)
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
            attributes=self._extras.of(span.resource.attributes, span.attributes) if self._extras else {},
            **call,
        )

    def service(self, resource: SpanResource) -> Service:
        """The service that sent something."""
        return self._origins.of(resource).service

    def home(self, resource: SpanResource) -> tuple[Service, str, str]:
        """The service that sent something, and the experiment and arm that all of it belongs to."""
        origin = self._origins.of(resource)
        return origin.service, origin.experiment, origin.arm

    @property
    def resource_parsers(self) -> Mapping[str, Parser]:
        """What is read of a resource, for who decodes other signals."""
        return self._resource.parsers

    def _said(self, span: Span) -> Attributes:
        """What dialects may read: its attributes, and what its events say as if they were attributes."""
        attributes = self._extras.without(span.attributes) if self._extras else span.attributes
        sent = happened(span.events, self._event_keys, span.start_ns)
        parsed = {key: self._call.parsers[key](value) for key, value in sent.items()}
        return {**attributes, **{key: value for key, value in parsed.items() if value is not None}}

    def _settled(self, span: Span, groups: Groups, kind: _Kind) -> Mapping[str, str]:
        """Put right what a span says in its own way; return the sources, so noted."""
        usage, sources = groups.get("usage"), kind.call.sources
        if span.dropped_attributes:
            self.oddities[Oddity.ATTRIBUTES_DROPPED] += 1
        if kind.call.params.stream is False:
            groups.get("timing", {}).pop("ttft_s", None)
        hint = groups.get("hint", {})
        if "first_token_ns" in hint:
            sources = _first_token(groups, sources, span.start_ns)
        return self._counted(usage, hint.get("total_tokens"), sources, kind.exclusive) if usage else sources

    def _counted(
        self, usage: dict[str, int], total: int | None, sources: Mapping[str, str], known: Exclusive
    ) -> Mapping[str, str]:
        """Make the counts include their parts."""
        settled = settle(usage, total, known)
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


def _assign(call: dict[str, Any], hint: Mapping[str, Any], origin: Origin) -> None:
    """Set experiment and arm: ours, the span's before the resource's; else those of a feature flag it evaluated."""
    if origin.experiment:
        call.setdefault("experiment", origin.experiment)
    if origin.arm:
        call.setdefault("arm", origin.arm)
    if "flag" in hint and "variant" in hint and "experiment" not in call and "arm" not in call:
        call["experiment"], call["arm"] = hint["flag"], hint["variant"]


def _clock_oddity(span: Span) -> Oddity:
    return Oddity.ENDS_BEFORE_START if span.end_ns < span.start_ns else Oddity.FROM_THE_FUTURE


def _first_token(groups: Groups, sources: Mapping[str, str], start_ns: int) -> Mapping[str, str]:
    """Set the time to the first token from the moment it came, where no duration was sent."""
    timing, moment_ns = groups["timing"], groups["hint"]["first_token_ns"]
    if moment_ns < start_ns or "ttft_s" in timing:
        return sources
    timing["ttft_s"] = (moment_ns - start_ns) / 1e9
    return {**sources, "timing.ttft_s": sources["hint.first_token_ns"]}
