"""The second stage for logs: an event -> what it adds to a model call, or an evaluation of it.

What it adds has the shape of a call in which nothing else is known: so it is redacted as a call is, and what gathers
the trace fills its gaps with it. Without a span id it is about every call of its trace.
"""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from spanwand.content import Content
from spanwand.dialects.log_events import CALL_SOURCES, EVENTS, LOG_EVENT, About
from spanwand.dialects.parsers import content
from spanwand.dialects.plan import Groups
from spanwand.dialects.table import Reader
from spanwand.events import Evaluation, LogEvent
from spanwand.operations import Operation
from spanwand.record import Failure, Generation, Service
from spanwand.span import AttributeValue, Parser, SpanResource


class Supplement:
    """Reads events. `service_of` says whose they are."""

    def __init__(self, service_of: Callable[[SpanResource], Service]) -> None:
        self._service_of = service_of
        self._reader = Reader((LOG_EVENT,))
        self.parsers: Mapping[str, Parser] = self._reader.parsers

    def __call__(self, event: LogEvent) -> Generation | Evaluation | None:
        """Return what an event says; `None` if that is nothing, or of no known trace."""
        groups = self._reader.read(event.attributes)
        about = EVENTS[event.name]
        if about is About.JUDGED:
            return self._evaluation(event, groups["hint"], groups[""].get("response_id", ""))
        if not event.trace_id or (not event.span_id and about is not About.ARM):
            return None
        adds = _ADDS[about](event, groups)
        return replace(self._blank(event), **adds) if adds else None

    def _blank(self, event: LogEvent) -> Generation:
        return Generation(
            trace_id=event.trace_id,
            span_id=event.span_id,
            start_ns=event.time_ns,
            end_ns=event.time_ns,
            service=self._service_of(event.resource),
            dialect=LOG_EVENT.name,
            operation=Operation.OTHER,
            attributes={},
            sources=CALL_SOURCES,
        )

    def _evaluation(self, event: LogEvent, hint: Mapping[str, Any], response_id: str) -> Evaluation | None:
        name = hint.get("evaluation_name")
        if name is None:
            return None
        return Evaluation(
            trace_id=event.trace_id,
            span_id=event.span_id,
            time_ns=event.time_ns,
            service=self._service_of(event.resource),
            name=name,
            score=hint.get("evaluation_score"),
            label=hint.get("evaluation_label", ""),
            explanation=hint.get("evaluation_explanation", ""),
            response_id=response_id,
        )


def _call(event: LogEvent, groups: Groups) -> dict[str, Any]:
    """Content as attributes; some SDKs put the same into the body."""
    body = event.body if isinstance(event.body, Mapping) else {}
    said = {field: text for field, key in _IN_BODY.items() if (text := content(_value(body.get(key))))}
    said |= groups.get("content", {})
    return {"content": Content(**said)} if said else {}


_IN_BODY = {
    path.removeprefix("content."): sources[0].key
    for path, sources in LOG_EVENT.fields.items()
    if path.startswith("content.")
}


def _said_to(event: LogEvent, _: Groups) -> dict[str, Any]:
    message = _message(event)
    return {"content": Content(input=message)} if message else {}


def _said_by(event: LogEvent, _: Groups) -> dict[str, Any]:
    message = _message(event)
    return {"content": Content(output=message)} if message else {}


def _message(event: LogEvent) -> str | None:
    """The body as one line of JSON, with the role that is the event's name (`gen_ai.user.message`)."""
    role = event.name.split(".")[1]
    if isinstance(event.body, Mapping):
        return content({"role": "assistant" if role == "choice" else role, **event.body})
    text = content(event.body)
    return text and content({"role": role, "content": text})


def _value(value: object) -> AttributeValue:
    return value if isinstance(value, str | tuple | list | Mapping) else None


def _arm(_: LogEvent, groups: Groups) -> dict[str, Any]:
    hint = groups["hint"]
    known = "flag" in hint and "variant" in hint
    return {"span_id": b"", "experiment": hint["flag"], "arm": hint["variant"]} if known else {}


def _raised(_: LogEvent, groups: Groups) -> dict[str, Any]:
    hint = groups["hint"]
    kind = hint.get("exception_type")
    return {"failure": Failure(kind, hint.get("exception_message", ""))} if kind else {}


_ADDS: Mapping[About, Callable[[LogEvent, Groups], dict[str, Any]]] = {
    About.CALL: _call,
    About.SAID_TO: _said_to,
    About.SAID_BY: _said_by,
    About.ARM: _arm,
    About.RAISED: _raised,
}
