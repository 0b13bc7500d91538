"""What only a late span needs of a closed trace, as bytes: few need it, and as objects it takes five times as much."""

from contextlib import suppress

import msgspec

from spanwand.traces.step import Evidence, Step
from spanwand.traces.trace import Trace

_NO_STEPS: dict[bytes, Step] = {}
_NO_PARENTS: dict[bytes, bytes] = {}
_NO_TIMES: list[int] = []
_NONE: list[Step] = []


class _Packed(msgspec.Struct, array_like=True, frozen=True, gc=False):
    steps: list[tuple[bytes, bytes, str, int, int, int, int, bool]]
    parents: list[bytes]
    intervals: list[int]
    handed_out: list[bytes]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Packed).decode


def pack(trace: Trace) -> None:
    """Pack a trace that holds no call any more. Steps with a response id stay: `mates` has them too."""
    steps = trace.steps
    if any(steps[step.span_id] is not step for step in trace.handed_out):
        return  # a span that came twice, and counted twice: it stays as it is
    fields = [
        (s.span_id, s.parent_span_id, s.kind, s.start_ns, s.end_ns, s.evidence.scope, s.arrival_ns, s.is_counted)
        for s in steps.values()
        if not s.evidence.response
    ]
    handed_out = [step.span_id for step in trace.handed_out]
    with suppress(OverflowError):  # times that are no times: so does this
        trace.packed = _encode(_Packed(fields, list(trace.parents), trace.intervals, handed_out))
        stay = {step.span_id: step for step in steps.values() if step.evidence.response} if fields else steps
        trace.steps, trace.parents, trace.intervals = stay or _NO_STEPS, _NO_PARENTS, _NO_TIMES
        trace.held = trace.handed_out = _NONE


def unpack(trace: Trace) -> None:
    """Make a trace what it was, if it is packed."""
    if not trace.packed:
        return
    packed, trace.packed = _decode(trace.packed), b""
    parents = {parent: parent for parent in packed.parents}
    steps = {**trace.steps}
    for span_id, parent, kind, start_ns, end_ns, scope, arrival_ns, is_counted in packed.steps:
        step = Step(trace.trace_id, span_id, parents[parent], kind, start_ns, end_ns, Evidence(scope), arrival_ns)
        step.is_counted = is_counted
        steps[span_id] = step
    trace.steps, trace.parents, trace.intervals = steps, parents, packed.intervals
    trace.held, trace.handed_out = [], [steps[span_id] for span_id in packed.handed_out]
