"""P2, R20: with logs, metrics and images among the frames, a replay from a batch's `low` gives what follows it."""

import msgspec
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AGGREGATION_TEMPORALITY_CUMULATIVE
from tests.support.pictures import media
from tests.support.records import trace_id

from spanwand.batch import Batch
from spanwand.config import (
    AggregateConfig,
    DeduplicateConfig,
    GatherConfig,
    LineConfig,
    MeasureConfig,
    MediaConfig,
    RedactConfig,
)
from spanwand.measure import FORGOTTEN_NS
from spanwand.pipeline import Pipeline
from spanwand.span import Span, SpanResource
from spanwand.uploads import Upload, pack

SECOND_NS = 1_000_000_000
BEGUN_NS = 1_790_000_000 * SECOND_NS
CONFIG = LineConfig(
    deduplicate=DeduplicateConfig(window_s=60),
    media=MediaConfig(images="thumbnails", max_per_call=2),
    redact=RedactConfig(policy="redacted"),
    gather=GatherConfig(settle_s=2, idle_s=7, late_s=15),
    measure=MeasureConfig(max_series=2),
    aggregate=AggregateConfig(window_s=10, rows_interval_s=20),
)
RESOURCE = SpanResource(attributes={"service.name": "studio"})
PAUSES_S = [0, 1, 2, 5, 10, 30, FORGOTTEN_NS // SECOND_NS + 20]


class Counter(msgspec.Struct, frozen=True):
    """A point of a counter: it began `began_s` before all else; the point is `behind_s` old."""

    engine: int
    value: int
    began_s: int
    behind_s: int


class Said(msgspec.Struct, frozen=True):
    """An event about a call."""

    name: str
    trace: int
    span: int


class Called(msgspec.Struct, frozen=True):
    """A model call, the root of its trace or not."""

    trace: int
    span: int
    is_root: bool


class Uploaded(msgspec.Struct, frozen=True):
    """An image of a call."""

    trace: int
    span: int
    index: int
    number: int


Item = Counter | Said | Called | Uploaded
ITEMS = st.one_of(
    st.builds(Counter, st.integers(1, 3), st.integers(0, 99), st.sampled_from([0, 1000]), st.sampled_from([0, 0, 20])),
    st.builds(
        Said,
        st.sampled_from(["gen_ai.user.message", "feature_flag.evaluation", "gen_ai.evaluation.result"]),
        st.integers(1, 3),
        st.integers(1, 2),
    ),
    st.builds(Uploaded, st.integers(1, 3), st.integers(1, 2), st.integers(0, 2), st.integers(1, 3)),
    st.builds(Called, st.integers(1, 3), st.integers(1, 2), st.booleans()),
)
A_ROOT, A_POINT = Called(1, 1, True), Counter(1, 1, 0, 0)
AFTER_A_PAUSE = [(160, A_ROOT), (65, Called(1, 2, False)), (0, A_ROOT), (320, A_POINT), (11, A_POINT), (11, A_POINT)]
JOURNALS = st.lists(st.tuples(st.sampled_from(PAUSES_S), ITEMS), min_size=1, max_size=30)


def metrics_body(point: Counter, now_ns: int) -> bytes:
    sent = ExportMetricsServiceRequest()
    metric = sent.resource_metrics.add().scope_metrics.add().metrics.add(name="vllm:prompt_tokens_total")
    metric.sum.is_monotonic, metric.sum.aggregation_temporality = True, AGGREGATION_TEMPORALITY_CUMULATIVE
    made = metric.sum.data_points.add(
        as_int=point.value,
        time_unix_nano=now_ns - point.behind_s * SECOND_NS,
        start_time_unix_nano=BEGUN_NS - point.began_s * SECOND_NS,
    )
    made.attributes.add(key="engine").value.int_value = point.engine
    return sent.SerializeToString()


def logs_body(said: Said) -> bytes:
    sent = ExportLogsServiceRequest()
    record = sent.resource_logs.add().scope_logs.add().log_records.add(event_name=said.name)
    record.trace_id, record.span_id = trace_id(said.trace), bytes(7) + bytes([said.span])
    record.body.string_value = "The fox"
    for key, value in (
        ("feature_flag.key", "tone"),
        ("feature_flag.variant", "dry"),
        ("gen_ai.evaluation.name", "fit"),
    ):
        record.attributes.add(key=key).value.string_value = value
    return sent.SerializeToString()


def media_body(sent: Uploaded) -> bytes:
    image = msgspec.structs.replace(media(sent.number), index=sent.index)
    return pack(Upload(trace_id(sent.trace), bytes(7) + bytes([sent.span]), image))


def span(call: Called) -> Span:
    return Span(
        trace_id=trace_id(call.trace),
        span_id=bytes(7) + bytes([call.span]),
        parent_span_id=b"" if call.is_root else b"\xff" * 8,
        start_ns=BEGUN_NS,
        end_ns=BEGUN_NS + SECOND_NS,
        attributes={"gen_ai.request.model": "small", "gen_ai.usage.input_tokens": 3},
        resource=RESOURCE,
    )


def feed(line: Pipeline, position: int, now_ns: int, item: Item) -> list[Batch]:
    where = (position, position + 10, now_ns)
    made = [line.tick(*where)]
    if isinstance(item, Counter):
        made.append(line.metrics(*where, metrics_body(item, now_ns)))
    elif isinstance(item, Said):
        made.append(line.logs(*where, logs_body(item)))
    elif isinstance(item, Uploaded):
        made.append(line.media(*where, media_body(item)))
    else:
        made.append(line.spans(*where, [span(item)], 1))
    return [msgspec.structs.replace(batch) for batch in made if batch]


def run(frames: list[tuple[int, int, Item]]) -> list[Batch]:
    line = Pipeline(CONFIG, bytes(32))
    made = [batch for frame in frames for batch in feed(line, *frame)]
    end, now_ns, _ = frames[-1]
    return made + [batch for batch in [line.drain(end + 10, end + 20, now_ns)] if batch]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(JOURNALS)
@example(AFTER_A_PAUSE)
def test_a_replay_from_low_gives_exactly_the_batches_behind_it(journal: list[tuple[int, Item]]) -> None:
    frames, now_ns = [], BEGUN_NS
    for number, (pause_s, item) in enumerate(journal):
        now_ns += pause_s * SECOND_NS
        frames.append((number * 10, now_ns, item))
    batches = run(frames)
    for batch in batches:
        replayed = [frame for frame in frames if frame[0] >= batch.low]
        if replayed:
            assert behind(run(replayed), batch.seq) == behind(batches, batch.seq)


def behind(batches: list[Batch], seq: int) -> list[Batch]:
    return [msgspec.structs.replace(later, low=0) for later in batches if later.seq > seq]
