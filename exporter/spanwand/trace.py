"""One trace while it is open: totals of its model calls, and the root that names it. A few hundred bytes."""

from collections.abc import Mapping

import msgspec

from spanwand.elapsed import elapsed_s
from spanwand.operations import FAMILY_OF
from spanwand.record import Clean, Service
from spanwand.request import CleanRoot, Request
from spanwand.span import Attributes

_NAME_MAX_CHARS = 256
_ATTRIBUTE_MAX_CHARS = 1_024
_NO_SERVICE = Service()
_NO_ATTRIBUTES: Attributes = {}


class Trace(msgspec.Struct, kw_only=True, gc=False):
    """Mutable. `position` is that of the window it began in, `last_ns` the arrival of its last span."""

    position: int
    last_ns: int
    counted_in: int = -1
    spans: int = 0
    generations: int = 0
    failed: int = 0
    start_ns: int = 0
    end_ns: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    images: int | None = None
    cost_usd: float | None = None
    gpu_seconds: float | None = None
    service: Service = _NO_SERVICE
    experiment: str = ""
    arm: str = ""
    trace_state: str = ""
    attributes: Attributes = _NO_ATTRIBUTES
    root: CleanRoot | None = None

    @property
    def root_ended(self) -> bool:
        """The root of the whole trace has ended, not just that of one service in it."""
        return self.root is not None and not self.root.parent_span_id


class Finished(msgspec.Struct, gc=False):
    """What stays of a trace whose Request is made. Most traces that are held are held like this."""

    position: int
    last_ns: int
    counted_in: int


def add_generation(trace: Trace, generation: Clean) -> None:
    """Count a generation.

    Only model calls count in the totals. Agents, workflows, tools and retrieval often repeat the usage and the failure
    of the calls below them, so all they add is their time and their experiment.
    """
    _stretch(trace, generation.start_ns, generation.end_ns)
    if not trace.spans:
        trace.service = generation.service
        trace.trace_state = generation.trace_state
    trace.spans += 1
    if not (trace.experiment or trace.arm):
        trace.experiment, trace.arm = generation.experiment, generation.arm
    if generation.attributes and not trace.attributes:
        trace.attributes = _bounded(generation.attributes)
    if generation.operation in FAMILY_OF:
        _add_totals(trace, generation)


def add_root(trace: Trace, root: CleanRoot) -> None:
    """Take a local root. The one without a parent wins, else the one that started first."""
    _stretch(trace, root.start_ns, root.end_ns)
    best = trace.root
    if best is None or _rank(root) < _rank(best):
        if root.attributes or len(root.name) > _NAME_MAX_CHARS:
            bounded = _bounded(root.attributes)
            root = msgspec.structs.replace(root, name=root.name[:_NAME_MAX_CHARS], attributes=bounded)
        trace.root = root


def request_of(trace_id: bytes, trace: Trace) -> Request:
    """The Request of a trace that has a generation. What its root does not say, its first generation does."""
    root = trace.root
    own_arm = root if root is not None and (root.experiment or root.arm) else trace
    root_failed = root is not None and root.failure is not None
    return Request(
        trace_id=trace_id,
        trace_state=trace.trace_state,
        name=root.name if root else "",
        start_ns=trace.start_ns,
        end_ns=trace.end_ns,
        service=root.service if root else trace.service,
        generations=trace.generations,
        errors=trace.failed or int(root_failed),
        input_tokens=trace.input_tokens,
        output_tokens=trace.output_tokens,
        images=trace.images,
        cost_usd=trace.cost_usd,
        gpu_seconds=trace.gpu_seconds,
        experiment=own_arm.experiment,
        arm=own_arm.arm,
        attributes={**trace.attributes, **root.attributes} if root else trace.attributes,
    )


def _add_totals(trace: Trace, generation: Clean) -> None:
    usage, cost_usd = generation.usage, generation.cost.usd
    trace.generations += 1
    trace.failed += generation.failure is not None
    if usage.input_tokens is not None:
        trace.input_tokens = (trace.input_tokens or 0) + usage.input_tokens
    if usage.output_tokens is not None:
        trace.output_tokens = (trace.output_tokens or 0) + usage.output_tokens
    if cost_usd is not None:
        trace.cost_usd = (trace.cost_usd or 0.0) + cost_usd
    if generation.image is not None and generation.image.images is not None:
        trace.images = (trace.images or 0) + generation.image.images
    if generation.gpu is not None:
        trace.gpu_seconds = (trace.gpu_seconds or 0.0) + generation.gpu.seconds


def _stretch(trace: Trace, start_ns: int, end_ns: int) -> None:
    if elapsed_s(start_ns, end_ns) is None:
        return
    if not trace.end_ns or start_ns < trace.start_ns:
        trace.start_ns = start_ns
    if end_ns > trace.end_ns:
        trace.end_ns = end_ns


def _rank(root: CleanRoot) -> tuple[bool, int]:
    return bool(root.parent_span_id), root.start_ns


def _bounded(attributes: Attributes) -> Mapping[str, str | int | float | bool | None]:
    return {
        key: value if value is None or isinstance(value, int | float) else str(value)[:_ATTRIBUTE_MAX_CHARS]
        for key, value in attributes.items()
    }
