"""The request that model calls belong to: one trace, named by its local root.

Frozen `msgspec` structs, as in `record`.
"""

import msgspec

from spanwand.elapsed import elapsed_s
from spanwand.record import Failure, GpuShare, Service
from spanwand.span import Attributes


class TraceRoot(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The local root of a trace, model call or not: what names a Request and says that it ended."""

    trace_id: bytes
    span_id: bytes
    parent_span_id: bytes = b""
    name: str
    start_ns: int
    end_ns: int
    service: Service
    failure: Failure | None = None
    experiment: str = ""
    arm: str = ""
    session_id: str = ""
    user: str = ""
    attributes: Attributes


class CleanRoot(TraceRoot, frozen=True, kw_only=True, gc=False):
    """A root that `redact` has passed."""


class Request(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One trace: what the user asked for, with totals over the generations that know a figure; None if none does.

    `revision` is 1 when it is first made; late spans amend it, and then the highest one is what holds.
    """

    trace_id: bytes
    trace_state: str = ""
    name: str
    start_ns: int
    end_ns: int
    service: Service
    generations: int
    errors: int
    retries: int = 0
    fallbacks: int = 0
    retrievals: int = 0
    documents: int | None = None
    retrieval_score: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    images: int | None = None
    cost_usd: float | None = None
    gpu: GpuShare | None = None
    critical_path_s: float | None = None
    experiment: str = ""
    arm: str = ""
    session_id: str = ""
    prompt_name: str = ""
    prompt_version: str = ""
    revision: int = 1
    attributes: Attributes

    @property
    def latency_s(self) -> float | None:
        """Seconds from the first start to the last end seen."""
        return elapsed_s(self.start_ns, self.end_ns)
