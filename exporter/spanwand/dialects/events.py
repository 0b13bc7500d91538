"""Span events that say something about a model call: when its first token came, and what was said.

A dialect names them, each with a key. Under that key stands, as if it were an attribute: when the first such event was,
in seconds after the start of the span, and the attributes of them all.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from spanwand.dialects.parsers import as_sent, content
from spanwand.span import AttributeValue, Parser, SpanEvent

EVENT_PARSERS: Mapping[str, Parser] = dict.fromkeys(
    (
        *("content", "role", "message", "index", "finish_reason", "tool_calls", "id", "gen_ai.event.content"),
        *("gen_ai.prompt", "gen_ai.completion", "gen_ai.system_instructions"),
        *("gen_ai.input.messages", "gen_ai.output.messages"),
        *("db.query.result.id", "db.query.result.score", "db.query.result.document"),
    ),
    as_sent,
)
"""What is read from an event."""
_ROLES = {f"gen_ai.{role}.message": role for role in ("system", "assistant", "tool")}
"""Of messages, where the name of the event alone says it. Others are the user's, and choices the assistant's, as they
are where nothing says it."""


def first(value: AttributeValue) -> float | None:
    """Seconds from the start of the span to the first event."""
    elapsed_s = value.get("elapsed_s") if isinstance(value, Mapping) else None
    return elapsed_s if isinstance(elapsed_s, float) and elapsed_s >= 0 else None


def said(value: AttributeValue) -> str | None:
    """The attributes of all events, as JSON; where an event has just one, its value alone."""
    events = value.get("events") if isinstance(value, Mapping) else None
    if not isinstance(events, list):
        return None
    alone = [next(iter(sent.values())) if isinstance(sent, Mapping) and len(sent) == 1 else sent for sent in events]
    return content(alone[0] if len(alone) == 1 else alone)


def happened(events: Iterable[SpanEvent], keys: Mapping[str, str], start_ns: int) -> dict[str, dict[str, Any]]:
    """What stands under the keys of the events that a span has."""
    found: dict[str, dict[str, Any]] = {}
    for event in events:
        key = keys.get(event.name)
        if key is not None:
            value = found.setdefault(key, {"elapsed_s": (event.time_ns - start_ns) / 1e9, "events": []})
            if event.attributes:
                role = _ROLES.get(event.name)
                value["events"].append({"role": role, **event.attributes} if role else event.attributes)
    return found
