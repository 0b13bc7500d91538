"""Made-up journals for properties of the line, and what it makes of them."""

import msgspec
from hypothesis import strategies as st

from spanwand.batch import Batch
from spanwand.config import AggregateConfig, DeduplicateConfig, GatherConfig, LineConfig, RedactConfig, SampleConfig
from spanwand.operations import Operation
from spanwand.pipeline import Pipeline
from spanwand.span import AttributeValue, Span, SpanResource
from tests.support.records import trace_id

SECOND_NS = 1_000_000_000
KEY = b"k" * 32
LONG_TEXT = "of such texts two are cleaned in a window " * 2
"""At once, for it is cut."""


class Frame(msgspec.Struct, frozen=True):
    """One frame of a made-up journal."""

    start: int
    end: int
    arrival_ns: int
    spans: tuple[Span, ...]
    drain: bool = False
    forget: int | None = None
    """Position before which repeats need not be known any more."""


SAMPLED = st.builds(
    SampleConfig,
    ratio=st.sampled_from([0.5, 1.0]),
    slow_s=st.just(3),
    rare=st.sampled_from([0, 1, 3]),
    limit_by=st.sampled_from(["", "model"]),
    limit=st.just(1),
    rows_per_minute=st.sampled_from([3, 12, 10_000]),
)


def line_config(deduplicate: DeduplicateConfig, sample: SampleConfig | None = None, **gather: float) -> LineConfig:
    return LineConfig(
        deduplicate=deduplicate,
        gather=GatherConfig.model_validate({"settle_s": 2, "idle_s": 7, "late_s": 15, **gather}),
        aggregate=AggregateConfig(window_s=10, rows_interval_s=20),
        sample=sample or SampleConfig(ratio=0.5, slow_s=3),
        redact=RedactConfig(policy="redacted", content_max_chars=50, window_max_chars=2 * len(LONG_TEXT)),
    )


REMEMBERED = st.builds(
    DeduplicateConfig,
    window_s=st.sampled_from([0, 1, 15, 40, 300]),
    max_spans=st.sampled_from([1, 3, 10, 1000]),
    max_journal_bytes=st.sampled_from([10, 50, 1000]),
)
CONFIGS = st.builds(
    line_config,
    REMEMBERED,
    SAMPLED,
    settle_s=st.sampled_from([0, 2, 7]),
    idle_s=st.sampled_from([7, 15]),
    late_s=st.sampled_from([15, 40]),
    hold_s=st.sampled_from([0, 3, 10]),
    max_age_s=st.sampled_from([20, 900]),
    max_spans=st.sampled_from([3, 10, 1000]),
    max_open_traces=st.sampled_from([1, 2, 100]),
)
RESOURCES = [
    SpanResource(attributes={"service.name": name}, scope_name=scope)
    for name, scope in (("studio", "sdk"), ("studio", "framework"), ("painter", "sdk"))
]


@st.composite
def spans(draw: st.DrawFn) -> Span:
    is_call = draw(st.booleans())
    parent = draw(st.sampled_from([b"", b"\x01" * 8, bytes(7) + b"\x01", bytes(7) + b"\x02"]))
    attributes: dict[str, AttributeValue] = {
        "gen_ai.operation.name": draw(st.sampled_from([Operation.CHAT, Operation.AGENT, Operation.IMAGE])),
        "gen_ai.request.model": draw(st.sampled_from(["small", "large"])),
        "gen_ai.usage.input_tokens": draw(st.integers(0, 2)),
        "gen_ai.input.messages": draw(st.sampled_from(["short", LONG_TEXT])),
        "gen_ai.response.id": draw(st.sampled_from(["", "", "an answer of the provider", "another answer of it"])),
    }
    return Span(
        trace_id=trace_id(draw(st.integers(1, 4)) << 50),
        span_id=bytes(7) + bytes([draw(st.integers(1, 3))]),
        parent_span_id=parent,
        parent_is_remote=draw(st.booleans()),
        name="step",
        start_ns=0,
        end_ns=draw(st.integers(0, 4)) * SECOND_NS,
        attributes=attributes if is_call else {},
        resource=draw(st.sampled_from(RESOURCES)),
        status_is_error=draw(st.booleans()),
    )


@st.composite
def journals(draw: st.DrawFn) -> list[Frame]:
    frames = []
    position, arrival_ns = draw(st.integers(0, 9)), draw(st.integers(0, 30)) * SECOND_NS
    steps = st.tuples(
        st.sampled_from([0, 1, 1, 2, 3, 5, 8, 16, 41]),
        st.lists(spans(), max_size=3),
        st.integers(0, 19),
        st.integers(0, 10),
    )
    for pause_s, sent, dice, back in draw(st.lists(steps, min_size=1, max_size=40)):
        arrival_ns += pause_s * SECOND_NS
        end = position + 10
        forget = max(position - 10 * back, 0) if dice in (1, 2) else None
        frames.append(Frame(position, end, arrival_ns, tuple(sent), drain=dice == 0, forget=forget))
        position = end
    return frames


def feed(line: Pipeline, frame: Frame) -> list[Batch]:
    """Time passes first, as in the worker."""
    where = (frame.start, frame.end, frame.arrival_ns)
    made = [line.tick(*where)]
    if frame.forget is not None:
        made.append(line.forget(*where, frame.forget))
    else:
        made.append(line.drain(*where) if frame.drain else line.spans(*where, frame.spans, len(frame.spans)))
    return [batch for batch in made if batch]


def run(config: LineConfig, frames: list[Frame]) -> list[Batch]:
    line = Pipeline(config, KEY)
    return [batch for frame in frames for batch in feed(line, frame)]


def effects(batches: list[Batch]) -> list[object]:
    """All of the batches but `low`, which a replay may know better."""
    return [msgspec.structs.replace(batch, low=0) for batch in batches]
