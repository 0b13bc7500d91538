"""What is known of a model call besides its span: log events, and how good its answer was."""

from hashlib import blake2b

import msgspec

from spanwand.record import Service
from spanwand.span import Attributes, AttributeValue, SpanResource


class LogEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One known event. Ids are raw bytes, empty where none was sent."""

    name: str
    trace_id: bytes
    span_id: bytes
    time_ns: int
    attributes: Attributes
    body: AttributeValue
    resource: SpanResource


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """One verdict on one model call, or on a whole trace if `span_id` is empty. `score` is in the scorer's own unit.

    Who judges elsewhere may know the call only by `response_id`, the provider's name of its answer.
    """

    trace_id: bytes
    span_id: bytes
    time_ns: int
    service: Service
    name: str
    score: float | None = None
    label: str = ""
    explanation: str = ""
    response_id: str = ""  # gone behind gather

    @property
    def key(self) -> bytes:
        """What tells it from every other evaluation, but from itself sent again."""
        said = (self.trace_id, self.span_id, self.time_ns, self.name, self.score, self.label, self.response_id)
        return blake2b(repr(said).encode(), digest_size=24).digest()


class CleanEvaluation(Evaluation, frozen=True, kw_only=True):
    """An evaluation that `redact` has passed."""
