"""P9, R20: with readings of GPUs among the frames too, a replay from a batch's `low` gives exactly what follows it."""

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.support.records import trace_id

from spanwand.batch import Batch
from spanwand.config import AggregateConfig, DeduplicateConfig, GatherConfig, LineConfig
from spanwand.gpu_sample import GpuSample, encode
from spanwand.meter import LIVE_NS
from spanwand.pipeline import Pipeline

SECOND_NS = 1_000_000_000
BEGUN_NS = 1_790_000_000 * SECOND_NS
PAUSES_S = [0, 1, 4, 9, 10, 30, LIVE_NS // SECOND_NS - 40, LIVE_NS // SECOND_NS + 20]


class Call(msgspec.Struct, frozen=True):
    """A service calls a model; the same call may be sent again."""

    service: str
    span: int


class Drain(msgspec.Struct, frozen=True):
    """The daemon stops and starts."""


Item = tuple[GpuSample, ...] | Call | Drain | None
SAMPLES = st.lists(
    st.builds(
        lambda device, energy_mj, trouble: GpuSample(
            time_ns=0, uuid=f"GPU-{device}", index=str(device), energy_mj=energy_mj, power_w=1.5, trouble=trouble
        ),
        st.integers(0, 1),
        st.one_of(st.none(), st.integers(0, 9_999)),
        st.sampled_from(["", "", "GPU is lost"]),
    ),
    max_size=4,
).map(tuple)
ITEMS = st.one_of(
    SAMPLES,
    SAMPLES,
    st.builds(Call, st.sampled_from(["studio", "painter"]), st.integers(1, 3)),
    st.none(),
    st.just(Drain()),
)
JOURNALS = st.lists(st.tuples(st.sampled_from(PAUSES_S), ITEMS), min_size=1, max_size=30)
CONFIGS = st.builds(
    lambda window_s, max_journal_bytes: LineConfig(
        deduplicate=DeduplicateConfig(window_s=window_s, max_journal_bytes=max_journal_bytes),
        gather=GatherConfig(settle_s=2, idle_s=7, late_s=15),
        aggregate=AggregateConfig(window_s=10, rows_interval_s=20),
    ),
    st.sampled_from([0, 20, 300]),
    st.sampled_from([50, 1_000]),
)


def call_body(call: Call) -> bytes:
    sent = ExportTraceServiceRequest()
    resource_spans = sent.resource_spans.add()
    resource_spans.resource.attributes.add(key="service.name").value.string_value = call.service
    span = resource_spans.scope_spans.add().spans.add(trace_id=trace_id(call.span), span_id=bytes(7) + b"s")
    span.start_time_unix_nano, span.end_time_unix_nano = BEGUN_NS, BEGUN_NS + SECOND_NS
    span.attributes.add(key="gen_ai.request.model").value.string_value = "small"
    return sent.SerializeToString()


def feed(line: Pipeline, position: int, now_ns: int, item: Item) -> list[Batch]:
    where = (position, position + 10, now_ns)
    made = [line.tick(*where)]
    if isinstance(item, tuple):
        made.append(line.gpus(*where, encode(item)))
    elif isinstance(item, Call):
        made.append(line.traces(*where, call_body(item)))
    elif isinstance(item, Drain):
        made.append(line.drain(*where))
    return [batch for batch in made if batch]


def run(config: LineConfig, frames: list[tuple[int, int, Item]]) -> list[Batch]:
    line = Pipeline(config, bytes(32))
    made = [batch for frame in frames for batch in feed(line, *frame)]
    end, now_ns, _ = frames[-1]
    return made + [batch for batch in [line.drain(end + 10, end + 20, now_ns)] if batch]


def behind(batches: list[Batch], seq: int) -> list[Batch]:
    return [msgspec.structs.replace(later, low=0) for later in batches if later.seq > seq]


def frames_of(journal: list[tuple[int, Item]]) -> list[tuple[int, int, Item]]:
    frames, now_ns = [], BEGUN_NS
    for number, (pause_s, item) in enumerate(journal):
        now_ns += pause_s * SECOND_NS
        frames.append((number * 10, now_ns, item))
    return frames


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CONFIGS, JOURNALS)
def test_a_replay_from_low_gives_exactly_the_batches_behind_it(
    config: LineConfig, journal: list[tuple[int, Item]]
) -> None:
    frames = frames_of(journal)
    batches = run(config, frames)
    for batch in batches:
        replayed = [frame for frame in frames if frame[0] >= batch.low]
        if replayed:
            assert behind(run(config, replayed), batch.seq) == behind(batches, batch.seq)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CONFIGS, JOURNALS, st.integers(0, 29))
def test_a_replay_from_where_the_line_rests_too(config: LineConfig, journal: list[tuple[int, Item]], cut: int) -> None:
    """The worker says `low` between batches as well, when nothing waits."""
    frames = frames_of(journal)
    line = Pipeline(config, bytes(32))
    for frame in frames[: cut + 1]:
        feed(line, *frame)
    seq = frames[: cut + 1][-1][0] + 10
    replayed = [frame for frame in frames if frame[0] >= line.low]
    if not line.waiting and replayed:
        assert behind(run(config, replayed), seq) == behind(run(config, frames), seq)
