"""Tries of one call, and other models asked in its place.

A failed call was made again if nothing else was called under its parent, one after the other, and none but the last
has an answer. Calls of a loop do not look like that, unless it has but one turn.
"""

from collections import defaultdict
from itertools import pairwise

from msgspec.structs import replace

from spanwand.record import Clean
from spanwand.traces.counting import PLAIN
from spanwand.traces.same_model import is_same_model
from spanwand.traces.step import Step
from spanwand.traces.trace import Trace

_LONGEST_PAUSE_NS = 60 * 1_000_000_000
RETRY = "retry"
FALLBACK = "fallback"


def mark_attempts(trace: Trace, left: list[Step]) -> None:
    """Say of each call which attempt it is, and whether it was made again; or by which model it was replaced."""
    siblings: defaultdict[tuple[str, bytes], list[Step]] = defaultdict(list)
    for step in left:
        if step.kind and step.parent_span_id:
            siblings[step.kind, step.parent_span_id].append(step)
    for (kind, parent), steps in siblings.items():
        steps.sort(key=_start)
        if parent not in trace.covered.get(kind, ()) and _are_attempts(steps):
            _mark(steps)


def _start(step: Step) -> tuple[int, bytes]:
    return step.start_ns, step.span_id


def _are_attempts(steps: list[Step]) -> bool:
    in_turn = all(0 <= after.start_ns - before.end_ns <= _LONGEST_PAUSE_NS for before, after in pairwise(steps))
    return len(steps) > 1 and in_turn and all(_failed(step) for step in steps[:-1])


def _failed(step: Step) -> bool:
    return step.generation is not None and step.generation.failure is not None


def _mark(steps: list[Step]) -> None:
    attempt = 1
    for before, after in pairwise(steps):
        failed, next_one = before.generation, after.generation
        if failed is None or next_one is None:
            return
        if is_same_model(failed, next_one):
            before.generation = _counted(failed, attempt, is_retried=True)
            attempt += 1
            after.generation = _counted(next_one, attempt)
        else:
            attempt = 1
            after.generation = _counted(next_one, attempt, is_fallback=True)


def _counted(generation: Clean, attempt: int, *, is_retried: bool = False, is_fallback: bool = False) -> Clean:
    before = generation.counting or PLAIN
    is_fallback = is_fallback or before.is_fallback
    rule = FALLBACK if is_fallback and attempt == 1 else RETRY
    rules = before.rules if rule in before.rules else (*before.rules, rule)
    counting = replace(before, attempt=attempt, is_retried=is_retried, is_fallback=is_fallback, rules=rules)
    return replace(generation, counting=counting)
