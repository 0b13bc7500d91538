"""One span of a trace as `gather` holds it: the record until it is handed out, and what tells later spans from it."""

from collections.abc import Mapping
from functools import lru_cache

import msgspec

from spanwand.operations import FAMILY_OF, Family, Operation
from spanwand.record import Clean

_SHORTEST_ID = 16
"""Characters. Shorter response ids are numbers from a small range, equal for different calls: local servers do that."""
_KINDS: Mapping[Operation, str] = {
    **dict.fromkeys(Operation, ""),
    **{operation: operation.value for operation in FAMILY_OF},
    Operation.TEXT_COMPLETION: Operation.CHAT.value,
}


class Evidence(msgspec.Struct, frozen=True, gc=False):
    """What tells that two spans report one call, as numbers that say nothing else; 0 is not known."""

    scope: int = 0
    response: int = 0


NO_EVIDENCE = Evidence()


def evidence_of(scope_name: str, response_id: str) -> Evidence:
    """The evidence of a span. A response id that is short or a mere number is none."""
    written_by = _written_by(scope_name)
    if len(response_id) < _SHORTEST_ID or response_id.isdigit():
        return written_by
    return Evidence(written_by.scope, hash(response_id))


@lru_cache(1024)
def _written_by(scope_name: str) -> Evidence:
    """One object for all that a scope wrote: a step is held for minutes."""
    return Evidence(hash(scope_name))


class Step(msgspec.Struct, gc=False):
    """Mutable. `generation` is there while the step is held: neither handed out nor reported by another step.

    `kind` is empty for what calls no model: agents, tools, and the local roots of further services.
    """

    trace_id: bytes
    span_id: bytes
    parent_span_id: bytes
    kind: str
    start_ns: int
    end_ns: int
    evidence: Evidence
    arrival_ns: int
    generation: Clean | None = None
    is_counted: bool = False

    @property
    def is_undecided(self) -> bool:
        """More is likely to come: another try, the usage, the calls that an agent's usage is the sum of."""
        generation = self.generation
        if generation is None:
            return False
        if not self.kind or generation.failure is not None:
            return True
        return not knows_usage(generation) and FAMILY_OF[generation.operation] is Family.LLM


def step_of(generation: Clean, evidence: Evidence, arrival_ns: int) -> Step:
    """A step that is held."""
    return Step(
        generation.trace_id,
        generation.span_id,
        generation.parent_span_id,
        _KINDS[generation.operation],
        generation.start_ns,
        generation.end_ns,
        evidence,
        arrival_ns,
        generation,
    )


def knows_usage(generation: Clean) -> bool:
    """It says how many tokens there were."""
    return generation.usage.input_tokens is not None or generation.usage.output_tokens is not None
