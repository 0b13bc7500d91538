"""OTLP metrics of the stock SDK, vLLM and DCGM (by Prometheus' names): what they add to the history (P1, P9, E3)."""

from collections.abc import Iterator

import pytest
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AGGREGATION_TEMPORALITY_CUMULATIVE, Metric
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource

from spanwand.config import MeasureConfig
from spanwand.decode_metrics import DecodeMetrics
from spanwand.dialects.metrics import SOURCES
from spanwand.drops import DropReason, Drops
from spanwand.measure import FORGOTTEN_NS, Measure
from spanwand.measured import Measured, Point
from spanwand.metrics import metric_of

SECOND_NS = 1_000_000_000
START_NS = 1_790_000_000 * SECOND_NS


class Line:
    """Both stages, and the points of a window."""

    def __init__(self, **config: object) -> None:
        self.drops = Drops()
        self.measure = Measure(MeasureConfig.model_validate(config), self.drops, str)
        self.decode = DecodeMetrics(self.measure.wanted, self.measure.parsers, self.drops)
        self.now_ns = START_NS

    def window(self, *bodies: bytes, after_s: int = 10) -> dict[str, Point]:
        self.now_ns += after_s * SECOND_NS
        self.measure.open_window(self.now_ns, self.now_ns)
        measured = Measured()
        for body in bodies:
            for _, readings in self.measure(self.decode(body)[0], self.now_ns):
                for reading in readings:
                    measured.add(reading)
        return measured.points()


@pytest.fixture
def line() -> Line:
    return Line()


class Sender:
    """The stock SDK, exporting when asked to."""

    def __init__(self, *, delta: bool = False, exponential: bool = False) -> None:
        temporality = AggregationTemporality.DELTA if delta else AggregationTemporality.CUMULATIVE
        self.reader = InMemoryMetricReader(preferred_temporality={Counter: temporality, Histogram: temporality})
        views = [View(instrument_name="*", aggregation=ExponentialBucketHistogramAggregation())] if exponential else []
        resource = Resource({"service.name": "chat"})
        self.provider = MeterProvider([self.reader], resource, views=views, shutdown_on_exit=False)
        self.meter = self.provider.get_meter("test")

    def export(self) -> bytes:
        data = self.reader.get_metrics_data()
        return encode_metrics(data).SerializeToString() if data else b""


@pytest.fixture
def sender() -> Iterator[Sender]:
    sender = Sender()
    yield sender
    sender.provider.shutdown()


def request(*metrics: Metric) -> bytes:
    sent = ExportMetricsServiceRequest()
    sent.resource_metrics.add().scope_metrics.add().metrics.extend(metrics)
    return sent.SerializeToString()


def counter(name: str, value: float, *, start_ns: int = START_NS, time_ns: int = START_NS + 1) -> Metric:
    metric = Metric(name=name)
    metric.sum.is_monotonic, metric.sum.aggregation_temporality = True, AGGREGATION_TEMPORALITY_CUMULATIVE
    metric.sum.data_points.add(as_double=value, start_time_unix_nano=start_ns, time_unix_nano=time_ns)
    return metric


def gauge(metric_name: str, value: float, **attributes: str) -> Metric:
    metric = Metric(name=metric_name)
    point = metric.gauge.data_points.add(as_double=value, time_unix_nano=START_NS)
    for name, text in attributes.items():
        point.attributes.add(key=name).value.string_value = text
    return metric


def test_every_mapped_key_is_a_documented_metric() -> None:
    for sources in SOURCES.values():
        for source in sources:
            key = source.key.replace("<n>", "0")
            assert metric_of(key) or metric_of(f"{key}/p50"), key


@pytest.mark.parametrize("delta", [False, True])
def test_token_usage_of_the_sdk_adds_up_over_exports(line: Line, delta: bool) -> None:
    """P1: whichever temporality the SDK was told to use."""
    sender = Sender(delta=delta)
    tokens = sender.meter.create_histogram("gen_ai.client.token.usage")
    tokens.record(100, {"gen_ai.token.type": "input", "gen_ai.request.model": "gpt-4o"})
    tokens.record(20, {"gen_ai.token.type": "output"})
    first = line.window(sender.export())
    tokens.record(7, {"gen_ai.token.type": "input", "gen_ai.request.model": "gpt-4o"})
    second = line.window(sender.export())
    sender.provider.shutdown()
    assert first == {"llm/client/input_tokens": 100, "llm/client/output_tokens": 20}
    assert second.get("llm/client/input_tokens") == 7
    assert second.get("llm/client/output_tokens", 0) == 0


@pytest.mark.parametrize("exponential", [False, True])
def test_quantiles_lie_within_the_senders_buckets(line: Line, exponential: bool) -> None:
    sender = Sender(exponential=exponential)
    duration = sender.meter.create_histogram(
        "gen_ai.server.request.duration", explicit_bucket_boundaries_advisory=[0.64, 1.28, 2.56, 5.12]
    )
    for _ in range(99):
        duration.record(2.0)
    duration.record(5.0)
    points = line.window(sender.export())
    sender.provider.shutdown()
    assert points["llm/server/requests"] == 100
    assert 1.28 <= points["llm/server/latency_s/p50"] <= 2.56
    assert 1.28 <= points["llm/server/latency_s/p95"] <= 2.56


def test_vllm_and_dcgm_by_the_names_that_prometheus_gives(line: Line) -> None:
    """E3, P9: units are turned into ours; each device has its keys; ratios of two engines are averaged."""
    points = line.window(
        request(
            gauge("vllm:num_requests_running", 3, engine="0"),
            gauge("vllm:num_requests_running", 4, engine="1"),
            gauge("vllm:kv_cache_usage_perc", 0.25, engine="0"),
            gauge("vllm:kv_cache_usage_perc", 0.75, engine="1"),
            counter("vllm:prompt_tokens_total", 900),
            gauge("DCGM_FI_DEV_GPU_UTIL", 87, gpu="1"),
            gauge("DCGM_FI_DEV_FB_USED", 2, gpu="1", GPU_I_ID="3"),
            gauge("DCGM_FI_DEV_POWER_USAGE", 300.5),
        )
    )
    assert points == {
        "llm/server/requests_running": 7,
        "llm/server/kv_cache_utilization": 0.5,
        "llm/server/input_tokens": 900,
        "gpu/1/utilization": pytest.approx(0.87),
        "gpu/1.3/memory_used_bytes": 2 << 20,
    }


DCGM_BLANKS = (0x7FFFFFF0, 0x7FFFFFF2, 140737488355328.0, 140737488355330.0, 0x7FFFFFFFFFFFFFF0, 9223372036854775794)
"""Not known, not supported, in 32 bits, as a double and in 64 bits (peers 4)."""


@pytest.mark.parametrize("blank", DCGM_BLANKS)
@pytest.mark.parametrize("name", ["GPU_UTIL", "POWER_USAGE", "FB_USED", "GPU_TEMP", "SM_CLOCK"])
def test_what_dcgm_does_not_know_is_no_state(line: Line, name: str, blank: float) -> None:
    assert line.window(request(gauge(f"DCGM_FI_DEV_{name}", blank, gpu="0"))) == {}


@pytest.mark.parametrize("blank", DCGM_BLANKS[2:])
def test_a_counter_that_dcgm_did_not_know_goes_on(line: Line, blank: float) -> None:
    """P9: it does not begin anew, with all the energy since the driver was loaded."""

    def energy(value: float, time_ns: int) -> Metric:
        metric = counter("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", value, time_ns=START_NS + time_ns)
        metric.sum.data_points[0].attributes.add(key="gpu").value.string_value = "0"
        return metric

    line.window(request(energy(5e9, 1)))
    points = line.window(request(energy(blank, 2)), request(energy(5e9 + 7e3, 3)))
    assert points == {"gpu/0/energy_j": pytest.approx(7)}


def test_what_is_allowed_passes_what_is_not_is_only_counted(sender: Sender) -> None:
    line = Line(allow=["http.server.request.duration", "queue.depth", "jobs"])
    sender.meter.create_histogram("http.server.request.duration").record(3)
    sender.meter.create_gauge("queue.depth").set(5)
    sender.meter.create_counter("jobs").add(2)
    sender.meter.create_counter("others").add(2)
    body = sender.export()
    found, received = line.decode(body)
    assert (len(found), received) == (3, 4)
    points = line.window(body)
    assert points["otel/queue.depth"] == 5
    assert points["otel/jobs/increase"] == 2
    assert points["otel/http.server.request.duration/count"] == 1
    assert all(metric_of(key) for key in points)


def test_a_counter_that_began_anew_counts_from_zero(line: Line) -> None:
    name = "vllm:prompt_tokens_total"
    assert line.window(request(counter(name, 100)))["llm/server/input_tokens"] == 100
    assert line.window(request(counter(name, 130, time_ns=START_NS + 2)))["llm/server/input_tokens"] == 30
    assert line.window(request(counter(name, 40, time_ns=START_NS + 3)))["llm/server/input_tokens"] == 40
    later = counter(name, 50, start_ns=START_NS + 4, time_ns=START_NS + 5)
    assert line.window(request(later))["llm/server/input_tokens"] == 50


def test_points_sent_again_count_once(line: Line) -> None:
    """R20: a metrics request that is redelivered changes nothing."""
    body = request(counter("vllm:prompt_tokens_total", 100))
    assert line.window(body, body)["llm/server/input_tokens"] == 100
    assert line.window(body) == {}
    assert line.drops[DropReason.DUPLICATE] == 2


def test_of_an_old_series_only_the_growth_counts(line: Line) -> None:
    """Nobody knows what of it was counted before."""
    old_ns = START_NS - 2 * FORGOTTEN_NS
    name = "vllm:prompt_tokens_total"
    assert line.window(request(counter(name, 10_000, start_ns=old_ns, time_ns=START_NS))) == {}
    points = line.window(request(counter(name, 10_005, start_ns=old_ns, time_ns=START_NS + 1)))
    assert points == {"llm/server/input_tokens": 5}


def test_low_keeps_the_journal_for_what_counters_were(line: Line) -> None:
    """R20: and lets go of it after a while without them."""
    line.window(request(counter("vllm:prompt_tokens_total", 1)))
    assert line.measure.low == line.now_ns
    line.window(after_s=FORGOTTEN_NS // SECOND_NS)
    assert line.measure.low is not None
    line.window(after_s=10)
    assert line.measure.low is None


def test_series_are_bounded() -> None:
    line = Line(max_series=2)
    body = request(*(gauge("vllm:num_requests_running", 1, engine=str(engine)) for engine in range(5)))
    assert line.window(body) == {"llm/server/requests_running": 2}
    assert line.drops[DropReason.SERIES_OVERFLOW] == 3


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, 1e300])
def test_garbage_is_no_point(line: Line, value: float) -> None:
    assert line.window(request(counter("vllm:prompt_tokens_total", value))) == {}


def test_bad_bytes_are_counted(line: Line) -> None:
    assert line.window(b"\xff\xff") == {}
    assert line.drops[DropReason.UNDECODABLE] == 1
