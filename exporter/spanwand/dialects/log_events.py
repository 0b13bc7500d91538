"""Log events that say something of a model call, as data: what was said, how it was judged, which arm it was in.

They are joined to spans by their ids. Events are known by their name, which older SDKs write as an attribute.
"""

from collections.abc import Mapping
from enum import StrEnum

from spanwand.dialects.general import EXCEPTION, GENERAL
from spanwand.dialects.parsers import content, number, scalar_text, text
from spanwand.dialects.table import Dialect, keys

EVENT_NAME = "event.name"
"""Where the name of an event is written by who has no field for it."""


class About(StrEnum):
    """What an event says."""

    CALL = "call"
    """Content of a call, as attributes."""
    SAID_TO = "said_to"
    """One message that the model was sent, as the body."""
    SAID_BY = "said_by"
    """One message that the model answered, as the body."""
    JUDGED = "judged"
    """How good an answer was."""
    ARM = "arm"
    """Which variant of a flag a request got."""
    RAISED = "raised"
    """Why a call failed."""


DETAILS = "gen_ai.client.inference.operation.details"
"""The event that carries what was said as attributes."""
INPUT, OUTPUT, SYSTEM = "gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions"
"""These attributes."""

EVENTS: Mapping[str, About] = {
    DETAILS: About.CALL,
    "gen_ai.system.message": About.SAID_TO,
    "gen_ai.user.message": About.SAID_TO,
    "gen_ai.assistant.message": About.SAID_TO,
    "gen_ai.tool.message": About.SAID_TO,
    "gen_ai.choice": About.SAID_BY,
    "gen_ai.evaluation.result": About.JUDGED,
    "feature_flag.evaluation": About.ARM,
    "exception": About.RAISED,
    "gen_ai.client.operation.exception": About.RAISED,
}
"""What is read, by the event's name."""

LOG_EVENT = Dialect(
    name="log event",
    markers=frozenset(),
    fields={
        **{field: GENERAL.fields[field] for field in ("hint.flag", "hint.variant")},
        **EXCEPTION.fields,
        "content.input": keys(content, INPUT),
        "content.output": keys(content, OUTPUT),
        "content.system": keys(content, SYSTEM),
        "response_id": keys(text, "gen_ai.response.id"),
        "hint.evaluation_name": keys(text, "gen_ai.evaluation.name"),
        "hint.evaluation_score": keys(number, "gen_ai.evaluation.score.value"),
        "hint.evaluation_label": keys(scalar_text, "gen_ai.evaluation.score.label"),
        "hint.evaluation_explanation": keys(text, "gen_ai.evaluation.explanation"),
        "hint.event_name": keys(text, EVENT_NAME),
    },
)

CALL_SOURCES: Mapping[str, str] = {
    path: LOG_EVENT.fields[path][0].key for path in ("content.input", "content.output", "content.system")
} | {"failure.message": LOG_EVENT.fields["hint.exception_message"][0].key}
"""Where the texts of a call that an event adds are read from."""
JUDGED_SOURCES: Mapping[str, str] = {
    field: LOG_EVENT.fields[f"hint.evaluation_{field}"][0].key for field in ("name", "label", "explanation")
}
"""Likewise, those of an evaluation."""
