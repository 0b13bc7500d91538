"""Fills the gaps of a model call with what events say of it. Events and span may come in either order."""

from typing import Any

from msgspec.structs import replace

from spanwand.drops import DropReason, Drops
from spanwand.media import joined, uploaded
from spanwand.record import Clean
from spanwand.traces.trace import Trace


def add_said(trace: Trace, said: Clean) -> int:
    """Take what an event says; messages come one by one. Returns how many of its texts there was no room for."""
    if said.arm and not (trace.experiment or trace.arm or trace.revision):
        trace.experiment, trace.arm = said.experiment, said.arm
    if trace.said is None:
        trace.said = {}
    before = trace.said.setdefault(said.span_id, said)
    if before is said:
        return 0
    trace.said[said.span_id] = _together(before, said)
    return before.held_content.add(said.held_content) if before.held_content and said.held_content else 0


def with_said(trace: Trace, generation: Clean) -> Clean:
    """A call with what events say of it, which is then no more needed, and of its whole trace."""
    if trace.said is None:
        return generation
    for said in (trace.said.pop(generation.span_id, None), trace.said.get(b"")):
        generation = filled(generation, said) if said is not None else generation
    return generation


def forget_said(trace: Trace) -> Drops:
    """Let go of what was said of calls that did not come; returns what that was."""
    said, trace.said = trace.said, None
    return sum((unjoined(each) for each in said.values() if each.span_id), Drops()) if said else Drops()


def unjoined(said: Clean) -> Drops:
    """What is lost with something said of a call: its images, and what events say."""
    late, only_media = len(said.media), said.media and not (said.held_content or said.failure)
    return Drops({DropReason.MEDIA_LATE: late, DropReason.UNJOINED_EVENT: 0 if only_media else 1})


def _together(first: Clean, second: Clean) -> Clean:
    """What two events add to one call. If both hold content, the second's is still to be added to the first's."""
    return replace(
        first,
        held_content=first.held_content or second.held_content,
        experiment=first.experiment or second.experiment,
        arm=first.arm or second.arm,
        failure=first.failure or second.failure,
        media=uploaded(first.media, second.media),
    )


def filled(call: Clean, added: Clean) -> Clean:
    """The call, with what it does not say itself."""
    fields: dict[str, Any] = {}
    if said := added.held_content:
        fields["held_content"] = call.held_content.filled(said) if call.held_content else said
    if added.arm and not call.arm and not call.experiment:
        fields |= {"experiment": added.experiment, "arm": added.arm}
    if added.failure and call.failure and not call.failure.message:
        fields["failure"] = added.failure
    if added.media:
        fields["media"] = joined(call.media, added.media)
    return replace(call, **fields) if fields else call
