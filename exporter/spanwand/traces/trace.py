"""One trace: its steps, the totals of its model calls, and the root that names it."""

from collections.abc import Mapping

import msgspec

from spanwand.consistent import NO_SHARE, Share
from spanwand.record import Clean, GpuShare, Service
from spanwand.request import CleanRoot, Request
from spanwand.span import Attributes
from spanwand.traces.step import Step

_NO_SERVICE = Service()
_NO_ATTRIBUTES: Attributes = {}
_NOTHING_COVERED: Mapping[str, set[bytes]] = {}


class Trace(msgspec.Struct, kw_only=True, gc=False):
    """Mutable. `position` is that of the window it began in, `begun_*` is what had arrived in all by then.

    Of all that is held, the closed ones among these are most: so a trace has no object of its own that it can share.
    """

    trace_id: bytes
    position: int
    last_ns: int
    begun_ns: int
    begun_spans: int
    begun_bytes: int
    counted_in: int = -1
    flush_ns: int = 0
    is_open: bool = True
    spans: int = 0
    steps: dict[bytes, Step] = msgspec.field(default_factory=dict)
    """Its generations, and local roots with a parent, by span id."""
    parents: dict[bytes, bytes] = msgspec.field(default_factory=dict)
    """Parents of the steps, seen or not, each by itself: its steps share that one object."""
    held: list[Step] = msgspec.field(default_factory=list)
    handed_out: list[Step] = msgspec.field(default_factory=list)
    covered: Mapping[str, set[bytes]] = msgspec.field(default_factory=lambda: _NOTHING_COVERED)
    """By kind, what is above the calls that have been handed out; not yet for those in `handed_out`."""
    elsewhere: int = 0
    """Of its spans, those whose call is reported in another trace."""
    scope: int = 0
    is_plain: bool = True
    """No two of its steps can report the same call: one scope, no failure, no step in another."""
    generations: int = 0
    failed: int = 0
    retries: int = 0
    fallbacks: int = 0
    retrievals: int = 0
    documents: int | None = None
    scored: int = 0
    """Retrievals that have scores."""
    best_scores: float = 0.0
    """The best score of each, added up."""
    intervals: list[int] = msgspec.field(default_factory=list)
    """Start and end of each counted call and of each retrieval, one after the other."""
    start_ns: int = 0
    end_ns: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    images: int | None = None
    cost_usd: float | None = None
    gpu: GpuShare | None = None
    service: Service = _NO_SERVICE
    experiment: str = ""
    arm: str = ""
    session_id: str = ""
    prompt_name: str = ""
    prompt_version: str = ""
    trace_state: str = ""
    attributes: Attributes = msgspec.field(default_factory=lambda: _NO_ATTRIBUTES)
    root: CleanRoot | None = None
    packed: bytes = b""
    """While it is closed: its steps, their parents, the intervals and what was handed out (`packed`)."""
    said: dict[bytes, Clean] | None = None
    """What events say of a call, by its span id; of all its calls, without one."""
    share: Share = NO_SHARE
    """With which probability what came out of it so far was kept."""
    revision: int = 0
    """Of the Request last made; from the first one on, `service`, `experiment` and `arm` are what it was made for."""
    made: Request | None = None
    """That Request, while late spans amend it."""

    @property
    def root_ended(self) -> bool:
        """The root of the whole trace has ended, not just that of one service in it."""
        return self.root is not None and not self.root.parent_span_id


class Old(msgspec.Struct, gc=False):
    """What stays of a trace that went on for too long. `next_*` is a later place where it can be seen to go on."""

    position: int
    last_ns: int
    counted_in: int
    next_position: int
    next_ns: int
