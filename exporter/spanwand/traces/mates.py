"""Spans that report one call from two different traces: instrumentations that know nothing of each other do that.

A response id tells them for as long as the trace of the first one is held. Without one, the same figures from another
instrumentation do, at the same time and in the same window; one of the two must be all that its trace is about. If one
does not know the usage, the other's time tells (`duplicates.is_same_call`).
"""

from collections import defaultdict
from collections.abc import Iterable

from msgspec.structs import replace

from spanwand.record import Clean
from spanwand.traces.duplicates import figures, innermost, is_same_call, shape
from spanwand.traces.merge import merged
from spanwand.traces.step import Evidence, Step, knows_usage
from spanwand.traces.trace import Trace

_MOST_COMPARED = 32
RESPONSE_ID = "response_id"
DUAL_WRITTEN = "dual_written"


class Mates:
    """The steps of all held traces by their response ids, and those of the present window by their figures."""

    def __init__(self) -> None:
        self._by_answer: defaultdict[str, dict[int, Step]] = defaultdict(dict)  # by kind and response id
        self.open_window()

    def open_window(self) -> None:
        """Compare by figures only what comes from now on: a replay may begin here."""
        self._window: list[Step] = []
        self._indexed = 0
        self._scopes: set[int] = set()
        self._alike: defaultdict[tuple[object, ...], list[Step]] = defaultdict(list)
        self._writers: dict[bytes, tuple[int, ...]] = {}  # by trace and span id: scopes of all that a step stands for

    def clear(self) -> None:
        """Forget everything."""
        self._by_answer.clear()
        self.open_window()

    def forget(self, trace: Trace) -> None:
        """Forget the answers of a trace."""
        for step in trace.steps.values():
            self.replaced(step)

    def replaced(self, step: Step) -> None:
        """Forget the answer of a step: its trace knows another one for its span, which came again, or is forgotten."""
        by_answer, response = self._by_answer[step.kind], step.evidence.response
        first = by_answer.get(response) if response else None
        if first is not None and first.trace_id == step.trace_id:  # or an equal step, of a span that came again
            del by_answer[response]

    def answered(self, evidence: Evidence) -> Step | None:
        """The step that first named an answer of the provider, while its trace is held."""
        named = (steps.get(evidence.response) for steps in self._by_answer.values() if evidence.response)
        return next((step for step in named if step is not None), None)

    def of(self, step: Step) -> Iterable[tuple[Step, str]]:
        """The steps that may report the same call, and the rule that says so. `step` has just come."""
        response, scope = step.evidence.response, step.evidence.scope
        if response:
            first = self._by_answer[step.kind].setdefault(response, step)
            if first is not step:
                return ((first, RESPONSE_ID),)
        self._window.append(step)
        self._scopes.add(scope)
        return [(other, DUAL_WRITTEN) for other in self._with_its_figures(step)] if len(self._scopes) > 1 else ()

    def unite(self, step: Step, mate: Step, rule: str) -> Step:
        """Let one of two steps stand for both; return the other. No instrumentation writes down one call twice."""
        goes = _unite(step, mate, rule)
        stays = mate if goes is step else step
        one, other = (self._writers.pop(_id(each), (each.evidence.scope,)) for each in (step, mate))
        self._writers[_id(stays)] = one + other
        return goes

    def _with_its_figures(self, step: Step) -> list[Step]:
        """Steps of other traces. Only now that there are several instrumentations they are sorted by figures."""
        for new in self._window[self._indexed :]:
            if new.generation is not None:
                self._alike[figures(new.kind, new.generation)].append(new)
                self._alike[shape(new.kind, new.generation)].append(new)
        self._indexed = len(self._window)
        if step.generation is None:
            return []
        alike = [other for key in _keys(step.kind, step.generation) for other in self._alike[key][-_MOST_COMPARED:]]
        scope, trace_id = step.evidence.scope, step.trace_id
        others = [other for other in alike if other.evidence.scope != scope and other.trace_id != trace_id]
        return [other for other in others if scope not in self._writers.get(_id(other), ())]


def _keys(kind: str, generation: Clean) -> tuple[tuple[object, ...], ...]:
    """Those with the same figures and those with none; all of its shape, if it has none itself."""
    if not knows_usage(generation):
        return (shape(kind, generation),)
    return figures(kind, generation), (*shape(kind, generation), None, None)


def _id(step: Step) -> bytes:
    return step.trace_id + step.span_id


def report_one_call(step: Step, mate: Step, rule: str) -> bool:
    """Whether they do, of what may."""
    if rule == RESPONSE_ID:
        return True
    is_alone = not step.parent_span_id or not mate.parent_span_id
    one, other = step.generation, mate.generation
    return (
        is_alone and one is not None and other is not None and one.service == other.service and is_same_call(step, mate)
    )


def _unite(step: Step, mate: Step, rule: str) -> Step:
    """The one that is part of a larger trace stays where it is."""
    one, other = step.generation, mate.generation
    if one is None or other is None:
        step.generation = None
        return step
    stays, goes = (step, mate) if step.parent_span_id and not mate.parent_span_id else (mate, step)
    inner, outer = (one, other) if innermost(step) < innermost(mate) else (other, one)
    stays.generation = replace(
        merged(inner, outer, rule),
        trace_id=stays.trace_id,
        span_id=stays.span_id,
        parent_span_id=stays.parent_span_id,
    )
    goes.generation = None
    return goes
