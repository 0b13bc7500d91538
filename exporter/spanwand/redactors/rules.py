"""The rules of a user, in order, over every text of a record. The policy comes after them and has the last word."""

from collections.abc import Mapping, MutableMapping
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from spanwand.content import NO_CONTENT, Content
from spanwand.dialects.log_events import JUDGED_SOURCES
from spanwand.events import Evaluation
from spanwand.record import Failure, Generation
from spanwand.redact_config import RedactConfig
from spanwand.redactors.rule import Rule
from spanwand.redactors.scrub import Scrubber
from spanwand.request import TraceRoot
from spanwand.span import AttributeValue

Record = TypeVar("Record", Generation, TraceRoot, Evaluation)
_NAMES = (
    *("name", "provider", "request_model", "response_model", "experiment", "arm", "prompt_name", "prompt_version"),
    *("session_id", "user", "label", "explanation", "trace_state"),
)
_CONTENT, _ATTRIBUTES, _MESSAGE = "content.", "attributes.", "failure.message"
TEXTS = (*_NAMES, *(f"{_CONTENT}{name}" for name in Content.__struct_fields__), _MESSAGE)
"""Fields that hold texts; besides these, `attributes.` and the key of each attribute that records carry along."""
_EVENT = "event:"
_SAID_BY = {"content.input": "user", "content.system": "system", "content.output": "assistant"}


def rules(config: RedactConfig, key: bytes, scrubber: Scrubber) -> "Rules":
    """Make the redactor. Raises ConfigError for a rule that cannot work."""
    return Rules(config, key, scrubber.counts)


def compile_rules(config: RedactConfig) -> None:
    """Raises ConfigError for a rule that cannot work."""
    Rules(config, b"", {})


class Rules:
    """Applies them to generations, roots and evaluations; a record is passed through untouched if none is about it."""

    def __init__(self, config: RedactConfig, key: bytes, counts: MutableMapping[str, int]) -> None:
        """`counts`: how often each rule did something, by its name."""
        self._rules = [Rule(rule, key, counts) for rule in config.rules]

    def __call__(self, record: Record) -> Record:
        """Return the record with its texts edited."""
        if not self._rules:
            return record
        service = record.service
        rules = [rule for rule in self._rules if rule.is_about(service.name, service.environment)]
        if not rules:
            return record
        sources = sources_of(record)
        changed: dict[str, str] = {}
        for place, text in texts_of(record).items():
            names, edited = (place, _key(sources.get(place, "")) or place.removeprefix(_ATTRIBUTES)), text
            for rule in rules:
                edited = rule(edited, names, _SAID_BY.get(place, ""))
            if edited != text:
                changed[place] = edited
        return with_texts(record, changed) if changed else record


def sources_of(record: Generation | TraceRoot | Evaluation) -> Mapping[str, str]:
    """From which attribute a field was read, by the field's path."""
    if isinstance(record, Evaluation):
        return JUDGED_SOURCES
    return record.sources if isinstance(record, Generation) else {}


def _key(source: str) -> str:
    """The attribute that a text was read from; of a member of a document or an event, its own key."""
    document, _, pointer = source.partition(" (")[0].partition("#")
    return pointer.rpartition("/")[2] if document.startswith(_EVENT) else document


def texts_of(record: Generation | TraceRoot | Evaluation) -> dict[str, str]:
    """Every text by its place: a field's path."""
    texts: dict[str, str] = {name: getattr(record, name, "") for name in _NAMES}
    if isinstance(record, Generation):
        texts |= {f"{_CONTENT}{name}": getattr(record.content, name) for name in Content.__struct_fields__}
    if not isinstance(record, Evaluation):
        texts[_MESSAGE] = record.failure.message if record.failure else ""
        texts |= {f"{_ATTRIBUTES}{key}": _text(value) for key, value in record.attributes.items()}
    return {place: text for place, text in texts.items() if text}


def _text(value: AttributeValue) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return msgspec.json.encode(value).decode()


def with_texts(record: Record, texts: Mapping[str, str]) -> Record:
    """The record with these texts in place of its own."""
    fields: dict[str, object] = {name: texts[name] for name in _NAMES if name in texts}
    if isinstance(record, Generation):
        names = Content.__struct_fields__
        said = {name: texts.get(f"{_CONTENT}{name}", getattr(record.content, name)) for name in names}
        fields["content"] = Content(**said) if any(said.values()) else NO_CONTENT
    if not isinstance(record, Evaluation):
        if record.failure is not None and _MESSAGE in texts:
            fields["failure"] = Failure(record.failure.type, texts[_MESSAGE])
        sent = record.attributes.items()
        fields["attributes"] = {key: texts.get(f"{_ATTRIBUTES}{key}", value) for key, value in sent}
    return replace(record, **fields)
