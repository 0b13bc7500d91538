"""One call, one count: which held steps of a trace report a call that another step reports.

The rules stand in a table, in the order in which they are tried; docs/counting.md shows it. A rule finds steps that do
not count, each with the steps that count in its place. Those get what only the other one knows. What is decided does
not depend on the order in which spans arrived, but for those that come when their call has been handed out.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from itertools import islice, product

import msgspec

from spanwand.operations import Operation
from spanwand.record import Clean
from spanwand.traces.ancestry import above, contains, cover, overlap
from spanwand.traces.attempts import mark_attempts
from spanwand.traces.merge import labelled, merged, with_usage
from spanwand.traces.same_model import is_same_model
from spanwand.traces.step import Step, knows_usage
from spanwand.traces.trace import Trace

_MOST_COMPARED = 32
"""Calls with the same figures that one call is compared with."""

_MOST_STRAYS = 1_000
"""Calls whose ancestors are not known, and that are looked for by time in an agent."""
_VISUAL = frozenset({Operation.IMAGE.value, Operation.VIDEO.value})

Likeness = tuple[object, ...]
Found = tuple[Step, list[Step]]
"""A step that does not count, and those that do in its place; none if they have been handed out."""


class Rule(msgspec.Struct, frozen=True):
    """One way in which a call is reported twice. `name` is the last part of `spanwand/duplicates/<rule>`."""

    name: str
    reason: str
    find: Callable[[Trace, list[Step]], Iterator[Found]]


def resolve(trace: Trace, fired: Counter[str]) -> list[Step]:
    """The steps of those held that count, each with what the others said of its call."""
    cover(trace)
    for rule in RULES:
        for step, instead in list(rule.find(trace, _left(trace))):
            if step.generation is not None:
                _give(step.generation, instead, rule.name)
                step.generation = None
                fired[rule.name] += 1
    left = _left(trace)
    mark_attempts(trace, left)
    return left


def _left(trace: Trace) -> list[Step]:
    return [step for step in trace.held if step.generation is not None]


def _give(generation: Clean, instead: list[Step], rule: str) -> None:
    """To one call everything; to several only what can be said of each, and their usage if none of them knows it."""
    calls = [(step, step.generation) for step in sorted(instead, key=_end) if step.generation is not None]
    if len(calls) == 1:
        step, inner = calls[0]
        step.generation = merged(inner, generation, rule)
        return
    knows = any(knows_usage(inner) for _, inner in calls)
    for step, inner in calls:
        step.generation = labelled(inner, generation, rule)
    if calls and not knows and knows_usage(generation):
        step, inner = calls[-1]
        step.generation = labelled(with_usage(inner, generation), generation, rule)


def _end(step: Step) -> tuple[int, bytes]:
    return step.end_ns, step.span_id


def innermost(step: Step) -> tuple[bool, int, bytes]:
    """A key that sorts that step first whose figures are the provider's own: it knows them, and took the least time."""
    generation = step.generation
    return generation is None or not knows_usage(generation), step.end_ns - step.start_ns, step.span_id


def _same_answer(_: Trace, left: list[Step]) -> Iterator[Found]:
    by_answer = defaultdict(list)
    for step in left:
        if step.kind and step.evidence.response:
            by_answer[step.kind, step.evidence.response].append(step)
    for steps in by_answer.values():
        first, *others = sorted(steps, key=innermost)
        yield from ((other, [first]) for other in others)


def _nested(trace: Trace, left: list[Step]) -> Iterator[Found]:
    below: defaultdict[bytes, list[Step]] = defaultdict(list)
    for step in left:
        if not step.kind:
            continue
        outer = [ancestor for ancestor in above(trace, step) if ancestor.kind == step.kind]
        if any(ancestor.is_counted for ancestor in outer) or step.span_id in trace.covered.get(step.kind, ()):
            yield step, []
        for ancestor in outer:
            below[ancestor.span_id].append(step)
    for step in left:
        calls = [inner for inner in below.get(step.span_id, ()) if inner.span_id not in below]
        if calls and not _answered_elsewhere(step, calls):
            yield step, calls


def _answered_elsewhere(outer: Step, calls: list[Step]) -> bool:
    """All calls below failed, and yet there is an answer: it came from one that nothing reports."""
    generation = outer.generation
    if generation is None or generation.failure is not None or not knows_usage(generation):
        return False
    return all(step.generation is not None and step.generation.failure is not None for step in calls)


def _written_twice(trace: Trace, left: list[Step]) -> Iterator[Found]:
    groups = [[step] for step in sorted(left, key=_start) if step.kind and step.generation is not None]
    if len({step.evidence.scope for (step,) in groups}) < 2:
        return
    groups = _joined(trace, groups, figures)
    if not all(_knows_usage(group[0]) for group in groups):
        groups = _joined(trace, groups, shape)
    for group in groups:
        first, *others = sorted(group, key=innermost)
        yield from ((other, [first]) for other in others)


def _joined(trace: Trace, groups: list[list[Step]], likeness: Callable[[str, Clean], Likeness]) -> list[list[Step]]:
    """Groups of spans that report one call, each of them with the first one before it that does as well."""
    alike: defaultdict[Likeness | None, list[list[Step]]] = defaultdict(list)
    for group in groups:
        generation = group[0].generation
        known = alike[None if generation is None else likeness(group[0].kind, generation)]
        same = next((before for before in known[-_MOST_COMPARED:] if _are_one(trace, before, group)), None)
        if same is None:
            known.append(group)
        else:
            same += group
    return [group for known in alike.values() for group in known]


def _are_one(trace: Trace, group: list[Step], other: list[Step]) -> bool:
    """One of each reports the same call as one of the other, and no instrumentation wrote in both."""
    is_one = False
    for one, second in product(group, other):
        if one.evidence.scope == second.evidence.scope:
            return False
        is_one = is_one or (is_same_call(one, second) and _may_be_one(trace, one, second))
    return is_one


def _start(step: Step) -> tuple[int, bytes]:
    return step.start_ns, step.span_id


def shape(kind: str, generation: Clean) -> Likeness:
    """What two spans of one call agree on, even if one of them does not know the usage."""
    image = generation.image
    return kind, image and image.images, generation.failure is not None


def figures(kind: str, generation: Clean) -> Likeness:
    """What they agree on if both know it. Some leave out a count of 0: the output of embeddings."""
    usage = generation.usage
    return *shape(kind, generation), usage.input_tokens or None, usage.output_tokens or None


def is_same_call(one: Step, other: Step) -> bool:
    """Two instrumentations wrote down one call at the same time, of one model, with the same figures.

    Where one does not know the usage, it has to be within the other's time, or the other way round.
    """
    mine, others = one.generation, other.generation
    if mine is None or others is None or one.evidence.scope == other.evidence.scope or not overlap(one, other):
        return False
    if knows_usage(mine) and knows_usage(others):
        return figures(one.kind, mine) == figures(other.kind, others) and is_same_model(mine, others)
    alike = shape(one.kind, mine) == shape(other.kind, others) and is_same_model(mine, others)
    return alike and _either_contains(one, other)


def _may_be_one(trace: Trace, one: Step, other: Step) -> bool:
    """Two that do not both know the usage are below one parent, or it is not known what is above the inner one."""
    if one.parent_span_id == other.parent_span_id or all(map(_knows_usage, (one, other))):
        return True
    inner = other if contains(one, other) else one
    root = trace.root.span_id if trace.root else b""
    return inner.parent_span_id not in (*trace.steps, root, b"")


def _knows_usage(step: Step) -> bool:
    return step.generation is not None and knows_usage(step.generation)


def _either_contains(one: Step, other: Step) -> bool:
    return contains(one, other) or contains(other, one)


def _sum_of_calls(trace: Trace, left: list[Step]) -> Iterator[Found]:
    """The usage of what calls no model itself. The innermost that has no call below it counts."""
    sums = [step for step in left if not step.kind]
    calls = [step for step in left if step.kind and step.kind not in _VISUAL]
    within: defaultdict[bytes, list[Step]] = defaultdict(list)
    for step in (*calls, *sums):
        for ancestor in above(trace, step):
            within[ancestor.span_id].append(step)
            if step.kind and ancestor.is_counted and not ancestor.kind:
                yield step, []
    strays = [call for call in calls if call.parent_span_id not in trace.steps][:_MOST_STRAYS]
    for step in sums:
        below = within[step.span_id] or [call for call in strays if contains(step, call)]
        if below or _covers_counted(trace, step):
            yield step, [call for call in below if call.kind]


def _covers_counted(trace: Trace, step: Step) -> bool:
    if any(step.span_id in covered for kind, covered in trace.covered.items() if kind not in _VISUAL):
        return True
    counted = (other for other in trace.steps.values() if other.is_counted and other.kind not in _VISUAL)
    return any(contains(step, other) for other in islice(counted, _MOST_STRAYS))


RULES = (
    Rule("response_id", "two spans name the same answer of the provider", _same_answer),
    Rule("nested", "a framework, SDK or gateway wrote a span around the span of the call", _nested),
    Rule("dual_written", "two instrumentations wrote down the same call side by side", _written_twice),
    Rule("aggregate", "an agent, workflow or chain repeats the usage of the calls below it", _sum_of_calls),
)
"""In the order in which they are tried."""
