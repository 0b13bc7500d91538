"""The canonical record of one model call, and its parts.

Frozen `msgspec` structs (docs/adr/0005), which the garbage collector need not look at: what is frozen when it is made
cannot become part of a cycle. Times are nanoseconds since the Unix epoch; `None` is not known, never 0.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from spanwand.attribution.share import GpuShare as GpuShare
from spanwand.content import NO_CONTENT, Content, HeldContent
from spanwand.elapsed import elapsed_s
from spanwand.media import Media
from spanwand.operations import Operation
from spanwand.span import Attributes
from spanwand.traces.counting import Counting


class Service(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The resource of a span, reduced to the fields that name a run. Hashable: one object serves many spans."""

    name: str = "unknown_service"
    instance: str = ""
    environment: str = ""
    version: str = ""
    entity: str = ""
    project: str = ""


class Usage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Tokens, inclusive as OpenTelemetry counts them: input includes cached and audio, output includes reasoning.

    What is written for an hour is part of the cache writes; cached audio is part of both cached and audio.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_input_tokens: int | None = None
    cache_write_input_tokens: int | None = None
    cache_write_1h_input_tokens: int | None = None
    reasoning_output_tokens: int | None = None
    audio_input_tokens: int | None = None
    audio_output_tokens: int | None = None
    cached_audio_input_tokens: int | None = None
    image_input_tokens: int | None = None
    image_output_tokens: int | None = None
    cached_image_input_tokens: int | None = None


class Timing(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Phases of one call in seconds; the latency itself is `end_ns - start_ns`."""

    ttft_s: float | None = None
    time_per_output_token_s: float | None = None
    queue_s: float | None = None
    execute_s: float | None = None  # in the engine, without the queue
    text_encode_s: float | None = None
    denoise_s: float | None = None
    decode_s: float | None = None


class ServiceTier(StrEnum):
    """At which terms a provider answered, where that changes the price. Closed: a dialect maps its own words."""

    STANDARD = "standard"
    BATCH = "batch"
    FLEX = "flex"
    PRIORITY = "priority"
    FAST = "fast"
    OTHER = "other"


class Params(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Parameters of a request to a language model."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    stream: bool | None = None
    service_tier: ServiceTier | None = None


class ImageParams(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Parameters and result of one image (or video) generation; sizes in pixels."""

    images: int | None = None
    width: int | None = None
    height: int | None = None
    quality: str = ""
    pipeline: str = ""
    steps: int | None = None
    guidance_scale: float | None = None
    scheduler: str = ""
    seed: int | None = None
    strength: float | None = None
    loras: tuple[str, ...] = ()
    safety_flagged: int | None = None


class Retrieval(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a retrieval or rerank step found: how many documents, and how well each fits, best or first one first."""

    documents: int | None = None
    scores: tuple[float, ...] = ()


class Failure(msgspec.Struct, frozen=True, gc=False):
    """Why a call failed: `error.type`, and the status message if there was one."""

    type: str
    message: str = ""


class Cost(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Cost of one call in USD. What the app reported and what the price table says are never mixed.

    `mismatched`: the two differ by more than `price.tolerance`; None if one of them is not known.
    """

    reported_usd: float | None = None
    computed_usd: float | None = None
    mismatched: bool | None = None

    @property
    def usd(self) -> float | None:
        """The figure metrics and rows show: the computed one, else the reported one, else unknown."""
        return self.reported_usd if self.computed_usd is None else self.computed_usd


NO_USAGE = Usage()
NO_TIMING = Timing()
NO_PARAMS = Params()
NO_RETRIEVAL = Retrieval()
NO_COST = Cost()


class Generation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One model call (or tool, agent, retrieval step), whatever instrumentation reported it.

    It does not hold its `Span`: what `redact` did not see cannot leave. `sources` says for each field of this
    record which attribute key it was read from; `attributes` are the configured extra keys, nothing else.
    """

    trace_id: bytes
    span_id: bytes
    parent_span_id: bytes = b""
    trace_state: str = ""
    start_ns: int
    end_ns: int
    service: Service
    name: str = ""  # of the span
    dialect: str
    operation: Operation
    provider: str = ""
    request_model: str = ""
    response_model: str = ""
    usage: Usage = NO_USAGE
    timing: Timing = NO_TIMING
    params: Params = NO_PARAMS
    image: ImageParams | None = None
    retrieval: Retrieval = NO_RETRIEVAL
    content: Content = NO_CONTENT  # gone behind redact, which holds it
    held_content: HeldContent | None = None
    media: tuple[Media, ...] = ()  # by redact, from the content; or uploaded
    failure: Failure | None = None
    finish_reasons: tuple[str, ...] = ()
    response_id: str = ""  # as the provider names its answer; gone behind redact
    experiment: str = ""
    arm: str = ""
    prompt_name: str = ""
    prompt_version: str = ""
    session_id: str = ""
    user: str = ""
    cost: Cost = NO_COST
    devices: tuple[str, ...] = ()  # GPUs that it ran on, by UUID or number; none named: those of the pod
    gpu: GpuShare | None = None
    counting: Counting | None = None  # None: one span, one call, one try
    attributes: Attributes
    sources: Mapping[str, str]

    @property
    def latency_s(self) -> float | None:
        """Seconds from start to end; None if the app's times cannot be believed."""
        return elapsed_s(self.start_ns, self.end_ns)

    @property
    def model(self) -> str:
        """The model that answered, else the one asked for."""
        return self.response_model or self.request_model


class Clean(Generation, frozen=True, kw_only=True, gc=False):
    """A generation that `redact` has passed; it alone casts to this. For type checkers: mypy has no NewType of it."""
