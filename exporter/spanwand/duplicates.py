"""Which held steps of a trace report the same call."""

from spanwand.step import Step
from spanwand.trace import Trace


def resolve(trace: Trace) -> list[Step]:
    """The steps of those held that count."""
    return [step for step in trace.held if step.kind]
