"""What the steps and the root of a trace add up to, and the Request made of it."""

from typing import TypeVar

from msgspec.structs import replace

from spanwand.attribution.share import together
from spanwand.elapsed import elapsed_s
from spanwand.json_text import json_text
from spanwand.operations import Operation
from spanwand.record import Clean
from spanwand.request import CleanRoot, Request
from spanwand.span import Attributes, AttributeValue
from spanwand.traces.counting import PLAIN
from spanwand.traces.critical_path import critical_path_s
from spanwand.traces.packed import unpack
from spanwand.traces.step import NO_EVIDENCE, Step, knows_usage
from spanwand.traces.trace import Trace

_RETRIEVAL, _RERANK = Operation.RETRIEVAL, Operation.RERANK
_NAME_MAX_CHARS = 256
_ATTRIBUTE_MAX_CHARS = 1_024
_Amount = TypeVar("_Amount", int, float)


def add(trace: Trace, step: Step, generation: Clean) -> None:
    """Take a step: its time and what it says about the whole trace. A call is held, and so is what knows of usage."""
    _stretch(trace, generation.start_ns, generation.end_ns)
    if not trace.spans:
        trace.service = generation.service
        trace.trace_state = generation.trace_state
        trace.scope = step.evidence.scope
    trace.spans += 1
    if trace.is_plain:
        trace.is_plain = _is_plain(trace, step, generation)
    trace.steps[step.span_id] = step
    step.trace_id = trace.trace_id
    step.parent_span_id = trace.parents.setdefault(step.parent_span_id, step.parent_span_id)
    _adopt(trace, generation)
    if step.kind or knows_usage(generation):
        trace.held.append(step)
        return
    step.generation = None
    if generation.operation is _RETRIEVAL:
        _retrieved(trace, generation)
        if generation.latency_s is not None:
            trace.intervals += (generation.start_ns, generation.end_ns)


def count(trace: Trace, generation: Clean) -> None:
    """Count a call in the totals."""
    counting = generation.counting or PLAIN
    trace.retries += counting.is_retried
    trace.fallbacks += counting.is_fallback
    trace.generations += not counting.is_retried
    if generation.operation is _RERANK:
        _retrieved(trace, generation)
    trace.failed += generation.failure is not None and not counting.is_retried
    if generation.latency_s is not None:
        trace.intervals += (generation.start_ns, generation.end_ns)
    usage, image = generation.usage, generation.image
    trace.input_tokens = _sum(trace.input_tokens, usage.input_tokens)
    trace.output_tokens = _sum(trace.output_tokens, usage.output_tokens)
    trace.cost_usd = _sum(trace.cost_usd, generation.cost.usd)
    if image is not None:
        trace.images = _sum(trace.images, image.images)
    if generation.gpu is not None:
        trace.gpu = together(trace.gpu, generation.gpu)


def _retrieved(trace: Trace, generation: Clean) -> None:
    found = generation.retrieval
    trace.retrievals += 1
    trace.documents = _sum(trace.documents, found.documents)
    if found.scores:
        trace.scored += 1
        trace.best_scores += max(found.scores)


def _sum(total: _Amount | None, amount: _Amount | None) -> _Amount | None:
    if total is None or amount is None:
        return amount if total is None else total
    return total + amount


def add_root(trace: Trace, root: CleanRoot) -> None:
    """Take a local root. The one without a parent wins, else the one that started first."""
    _stretch(trace, root.start_ns, root.end_ns)
    if root.parent_span_id and root.span_id not in trace.steps:
        trace.steps[root.span_id] = _link(root)
        trace.parents[root.parent_span_id] = root.parent_span_id
        if root.parent_span_id in trace.steps:  # a call of this service may be below one of another
            trace.is_plain = False
    best = trace.root
    if best is None or _rank(root) < _rank(best):
        if root.attributes or len(root.name) > _NAME_MAX_CHARS:
            bounded = _bounded(root.attributes)
            root = replace(root, name=root.name[:_NAME_MAX_CHARS], attributes=bounded)
        trace.root = root


def request_of(trace: Trace) -> Request:
    """The Request of a trace that has a step. What its root does not say, the first step that says it does.

    An amended one stays with the service, experiment and arm it was first made for: its row is in their run.
    """
    root = trace.root
    named = trace if root is None or trace.revision else root
    own_arm = named if named.experiment or named.arm else trace
    root_failed = root is not None and root.failure is not None
    return Request(
        trace_id=trace.trace_id,
        trace_state=trace.trace_state,
        name=root.name if root else "",
        start_ns=trace.start_ns,
        end_ns=trace.end_ns,
        service=named.service,
        generations=trace.generations,
        errors=trace.failed or int(root_failed),
        retries=trace.retries,
        fallbacks=trace.fallbacks,
        retrievals=trace.retrievals,
        documents=trace.documents,
        retrieval_score=trace.best_scores / trace.scored if trace.scored else None,
        input_tokens=trace.input_tokens,
        output_tokens=trace.output_tokens,
        images=trace.images,
        cost_usd=trace.cost_usd,
        gpu=trace.gpu,
        critical_path_s=critical_path_s(trace.intervals) if trace.intervals else None,
        experiment=own_arm.experiment,
        arm=own_arm.arm,
        session_id=(root.session_id if root else "") or trace.session_id,
        prompt_name=trace.prompt_name,
        prompt_version=trace.prompt_version,
        attributes={**trace.attributes, **root.attributes} if root and root.attributes else trace.attributes,
        revision=trace.revision + 1,
    )


def reopen(trace: Trace) -> None:
    """Make the Request once more that was last made, before something late changes what it is made of."""
    unpack(trace)
    if trace.revision and trace.made is None:
        trace.made = request_of(trace)


def _is_plain(trace: Trace, step: Step, generation: Clean) -> bool:
    return (
        step.parent_span_id not in trace.steps
        and step.span_id not in trace.parents
        and step.evidence.scope == trace.scope
        and (bool(step.kind) or not knows_usage(generation))
        and generation.failure is None
    )


def _adopt(trace: Trace, generation: Clean) -> None:
    """What the root may not say."""
    if not (trace.experiment or trace.arm or trace.revision):
        trace.experiment, trace.arm = generation.experiment, generation.arm
    if not trace.session_id:
        trace.session_id = generation.session_id
    if not trace.prompt_name:
        trace.prompt_name, trace.prompt_version = generation.prompt_name, generation.prompt_version
    if generation.attributes and not trace.attributes:
        trace.attributes = _bounded(generation.attributes)


def _link(root: CleanRoot) -> Step:
    """A local root as what joins the steps of its service to those of the service that called it."""
    return Step(root.trace_id, root.span_id, root.parent_span_id, "", root.start_ns, root.end_ns, NO_EVIDENCE, 0)


def _stretch(trace: Trace, start_ns: int, end_ns: int) -> None:
    if elapsed_s(start_ns, end_ns) is None:
        return
    if not trace.end_ns or start_ns < trace.start_ns:
        trace.start_ns = start_ns
    if end_ns > trace.end_ns:
        trace.end_ns = end_ns


def _rank(root: CleanRoot) -> tuple[bool, int, bytes]:
    return bool(root.parent_span_id), root.start_ns, root.span_id


def _bounded(attributes: Attributes) -> Attributes:
    return {key: _short(value) for key, value in attributes.items()}


def _short(value: AttributeValue) -> AttributeValue:
    if isinstance(value, str):
        return value[:_ATTRIBUTE_MAX_CHARS]
    is_short = value is None or isinstance(value, int | float) or len(str(value)) <= _ATTRIBUTE_MAX_CHARS
    return value if is_short else json_text(value, _ATTRIBUTE_MAX_CHARS)
