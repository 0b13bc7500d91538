"""P9, R20: with readings of GPUs among the frames too, a replay from a batch's `low` gives exactly what follows it.

The shares of calls are among that. And they and what nobody took are what the counters grew.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.support.records import trace_id

from spanwand.attribution import devices
from spanwand.batch import Batch
from spanwand.config import AggregateConfig, AttributionConfig, DeduplicateConfig, GatherConfig, GpuConfig, LineConfig
from spanwand.gpu_sample import GpuSample, encode
from spanwand.meter import LIVE_NS
from spanwand.pipeline import Pipeline
from spanwand.tables import TABLES

SECOND_NS = 1_000_000_000
BEGUN_NS = 1_790_000_000 * SECOND_NS
PAUSES_S = [0, 1, 1, 1, 2, 2, 4, 9, 10, 30, LIVE_NS // SECOND_NS - 40, LIVE_NS // SECOND_NS + 20]


class Call(msgspec.Struct, frozen=True):
    """A service calls a model; the same call may be sent again. Its end is `lag_s` before its arrival, or behind it."""

    service: str
    trace: int
    span: int
    parent: int
    model: str
    lag_s: float
    took_s: float
    gpu: str
    is_root: bool


class Drain(msgspec.Struct, frozen=True):
    """The daemon stops and starts."""


Item = tuple[GpuSample, ...] | Call | Drain | None
SAMPLES = st.lists(
    st.builds(
        lambda device, ago_s, energy_mj, trouble: GpuSample(
            time_ns=int(ago_s * SECOND_NS),
            uuid=f"GPU-{device}",
            index=str(device),
            energy_mj=energy_mj,
            power_w=1.5,
            trouble=trouble,
        ),
        st.integers(0, 1),
        st.sampled_from([0.0, 0.0, 0.0, 0.3, 0.3, 1.0, 40.0]),
        st.one_of(st.none(), st.integers(0, 9_999)),
        st.sampled_from(["", "", "", "GPU is lost"]),
    ),
    max_size=4,
).map(tuple)
CALLS = st.builds(
    Call,
    st.sampled_from(["studio", "painter"]),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(0, 3),
    st.sampled_from(["small", "large"]),
    st.sampled_from([0.0, 0.5, 3.0, 25.0, -60.0]),
    st.sampled_from([0.25, 4.0, 4.0, 30.0, 90.0]),
    st.sampled_from(["", "", "0", "GPU-1", "cpu"]),
    st.booleans(),
)
ITEMS = st.one_of(SAMPLES, *[CALLS] * 8, st.none(), st.just(Drain()))
Journal = list[tuple[int, Item, bool]]
"""Seconds of pause, what comes then, and whether the GPUs are read before that."""
AWAKE = Call("studio", 9, 9, 0, "small", 0.0, 0.25, "cpu", is_root=True)
JOURNALS = st.lists(
    st.tuples(st.sampled_from(PAUSES_S), ITEMS, st.sampled_from([True, True, True, False])), min_size=1, max_size=25
)


def configured(horizon_s: int, late_s: int = 15, **deduplicate: int) -> LineConfig:
    return LineConfig(
        deduplicate=DeduplicateConfig.model_validate({"window_s": 0, **deduplicate}),
        gather=GatherConfig(settle_s=2, idle_s=7, late_s=late_s),
        aggregate=AggregateConfig(window_s=10, rows_interval_s=20),
        gpu=GpuConfig(attribution=AttributionConfig(horizon_s=horizon_s)),
    )


CONFIGS = st.builds(
    configured,
    st.sampled_from([5, 60, 300, 1_800]),
    window_s=st.sampled_from([0, 20, 300]),
    max_journal_bytes=st.sampled_from([50, 1_000]),
)


@pytest.fixture(autouse=True, scope="module")
def old_soon() -> Iterator[None]:
    """Journals of these tests are short: what is older than 15 s counts as old."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(devices, "_FINE_NS", 15 * SECOND_NS)
        yield


def call_body(call: Call, now_ns: int) -> bytes:
    sent = ExportTraceServiceRequest()
    resource_spans = sent.resource_spans.add()
    resource_spans.resource.attributes.add(key="service.name").value.string_value = call.service
    parent = b"" if call.is_root else bytes(7) + bytes([call.parent])
    span = resource_spans.scope_spans.add().spans.add(
        trace_id=trace_id(call.trace), span_id=bytes(7) + bytes([call.span + call.is_root * 10]), parent_span_id=parent
    )
    span.end_time_unix_nano = now_ns - int(call.lag_s * SECOND_NS)
    span.start_time_unix_nano = span.end_time_unix_nano - int(call.took_s * SECOND_NS)
    span.attributes.add(key="gen_ai.request.model").value.string_value = call.model
    if call.gpu:
        span.attributes.add(key="spanwand.gpu").value.string_value = call.gpu
    return sent.SerializeToString()


def sampled(samples: tuple[GpuSample, ...], now_ns: int) -> bytes:
    return encode([msgspec.structs.replace(sample, time_ns=now_ns - sample.time_ns) for sample in samples])


def feed(line: Pipeline, position: int, now_ns: int, item: Item) -> list[Batch]:
    where = (position, position + 10, now_ns)
    made = [line.tick(*where)]
    if isinstance(item, tuple):
        made.append(line.gpus(*where, sampled(item, now_ns)))
    elif isinstance(item, Call):
        made.append(line.traces(*where, call_body(item, now_ns)))
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


def frames_of(journal: Journal) -> list[tuple[int, int, Item]]:
    frames: list[tuple[int, int, Item]] = []
    now_ns = BEGUN_NS
    for pause_s, item, is_read in journal:
        now_ns += pause_s * SECOND_NS
        frames += [(len(frames) * 10, now_ns, read(now_ns))] if is_read else []
        frames.append((len(frames) * 10, now_ns, item))
    return frames


def read(now_ns: int) -> tuple[GpuSample, ...]:
    """Two GPUs that always draw 100 and 200 W."""
    energy_mj = (now_ns - BEGUN_NS) // 10_000
    return tuple(
        GpuSample(time_ns=0, uuid=f"GPU-{device}", index=str(device), energy_mj=energy_mj * (device + 1))
        for device in (0, 1)
    )


def replays(config: LineConfig, frames: list[tuple[int, int, Item]], every: int = 1) -> None:
    """A replay from the `low` of any batch gives the batches behind it. Tries every so many of them."""
    batches = run(config, frames)
    for batch in batches[::every]:
        replayed = [frame for frame in frames if frame[0] >= batch.low]
        if replayed:
            assert behind(run(config, replayed), batch.seq) == behind(batches, batch.seq)


def rows(batches: list[Batch], table: str = "generations") -> list[dict[str, Any]]:
    """Of a table, by column."""
    names = [column.name for column in TABLES[table]]
    updates = (update for batch in batches for update in batch.updates)
    return [dict(zip(names, row, strict=True)) for update in updates for row in update.rows.get(table, ())]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CONFIGS, JOURNALS)
def test_a_replay_from_low_gives_exactly_the_batches_behind_it(config: LineConfig, journal: Journal) -> None:
    replays(config, frames_of(journal))


@pytest.mark.parametrize("step_s", [1, 10])
def test_a_replay_finds_what_a_long_call_has_left_to_take(step_s: int) -> None:
    """Its readings, and the calls that took of them, are over and their rows out long before it comes.

    The longer one takes a quarter of an hour: of most of its time only sums by window are left.
    """
    took_s = 4.0 * step_s
    short = [Call("studio", number, 1, 0, "small", 0.0, took_s, "0", is_root=True) for number in range(1, 6)]
    long = Call("studio", 9, 1, 0, "small", 0.0, 90.0 * step_s, "0", is_root=True)
    steps: Journal = [(step_s, short[step // 20] if step % 20 == 10 else None, True) for step in range(100)]
    config = configured(1_800)
    frames = frames_of([*steps, (step_s, long, True), (9, None, True)])
    [share] = [row for row in rows(run(config, frames)) if row["latency_s"] == long.took_s]
    assert share["gpu_seconds"] == pytest.approx(90 * step_s - 4 * took_s)  # the first one was over before
    assert share["gpu_joules"] == pytest.approx(share["gpu_seconds"] * 100, rel=0.02)
    replays(config, frames, every=step_s)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CONFIGS, JOURNALS, st.integers(0, 29))
def test_a_replay_from_where_the_line_rests_too(config: LineConfig, journal: Journal, cut: int) -> None:
    """The worker says `low` between batches as well, when nothing waits."""
    frames = frames_of(journal)
    line = Pipeline(config, bytes(32))
    for frame in frames[: cut + 1]:
        feed(line, *frame)
    seq = frames[: cut + 1][-1][0] + 10
    replayed = [frame for frame in frames if frame[0] >= line.low]
    if not line.waiting and replayed:
        assert behind(run(config, replayed), seq) == behind(run(config, frames), seq)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CONFIGS, JOURNALS)
def test_what_calls_took_and_what_nobody_took_is_what_was_counted(config: LineConfig, journal: Journal) -> None:
    """Over all that is between two readings: a service is live from the first one on, and not forgotten."""
    config = config.model_copy(update={"deduplicate": DeduplicateConfig(window_s=0)})
    short = [(min(pause_s, 9), item, is_read) for pause_s, item, is_read in journal if not isinstance(item, Drain)]
    totals: Counter[str] = Counter()
    for batch in run(config, frames_of([(0, AWAKE, True), *short])):
        for update in batch.updates:
            if update.run.job_type == AWAKE.service:
                totals.update({key: value for key, value in update.points.items() if key.startswith("gpu/")})
            for _, row in ((table, row) for table, some in update.rows.items() for row in some):
                assert all(not isinstance(cell, float) or cell >= 0 for cell in row)
    for device in ("0", "1"):
        counted_j = totals[f"gpu/{device}/energy_j"]
        divided_j = totals[f"gpu/{device}/attributed_j"] + totals[f"gpu/{device}/unattributed_j"]
        assert divided_j == pytest.approx(counted_j, abs=1e-6)
