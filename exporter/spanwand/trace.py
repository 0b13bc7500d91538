"""One trace: its steps, the totals of its model calls, and the root that names it."""

import msgspec

from spanwand.consistent import NO_SHARE, Share
from spanwand.record import Clean, GpuShare, Service
from spanwand.request import CleanRoot, Request
from spanwand.span import Attributes
from spanwand.step import Step

_NO_SERVICE = Service()
_NO_ATTRIBUTES: Attributes = {}


class Trace(msgspec.Struct, kw_only=True, gc=False):
    """Mutable. `position` is that of the window it began in, `begun_*` is what had arrived in all by then."""

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
    parents: set[bytes] = msgspec.field(default_factory=set)
    """Parents of the steps, seen or not."""
    held: list[Step] = msgspec.field(default_factory=list)
    handed_out: list[Step] = msgspec.field(default_factory=list)
    covered: dict[str, set[bytes]] = msgspec.field(default_factory=dict)
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
    best_scores: list[float] = msgspec.field(default_factory=list)
    """Of each retrieval that has scores."""
    intervals: list[tuple[int, int]] = msgspec.field(default_factory=list)
    """Start and end of each counted call and of each retrieval."""
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
    attributes: Attributes = _NO_ATTRIBUTES
    root: CleanRoot | None = None
    said: dict[bytes, Clean] | None = None
    """What events say of a call, by its span id; of all its calls, without one."""
    share: Share = NO_SHARE
    """With which probability what came out of it so far was kept."""
    made: Request | None = None
    """Its Request as it was last made; a late span amends it."""

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
