"""Which step of a trace is below which, as far as the steps that were seen tell."""

from collections.abc import Iterator

from spanwand.traces.step import Step
from spanwand.traces.trace import Trace

_DEEPEST = 64
"""Steps above a step that are looked at; deeper nesting is garbage, or a circle."""


def above(trace: Trace, step: Step) -> Iterator[Step]:
    """The steps that contain a step, from the nearest on."""
    for _ in range(_DEEPEST):
        parent = trace.steps.get(step.parent_span_id)
        if parent is None or parent is step:
            return
        yield parent
        step = parent


def cover(trace: Trace) -> None:
    """Note which spans the calls that have been handed out are below, seen or not."""
    covered = {**trace.covered}
    for step in trace.handed_out:
        of_kind = covered.setdefault(step.kind, set())
        of_kind.add(step.parent_span_id)
        of_kind.update(ancestor.parent_span_id for ancestor in above(trace, step))
    trace.covered = covered
    trace.handed_out.clear()


def contains(outer: Step, inner: Step) -> bool:
    """In time."""
    return outer.start_ns <= inner.start_ns and inner.end_ns <= outer.end_ns


def overlap(one: Step, other: Step) -> bool:
    """In time."""
    return one.start_ns <= other.end_ns and other.start_ns <= one.end_ns
