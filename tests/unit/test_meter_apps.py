"""P9: devices that apps read: like those that are read here, which go before; never counted twice, also in a replay."""

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality

from spanwand.batch import Batch
from spanwand.config import LineConfig
from spanwand.drops import DropReason
from spanwand.gpu_sample import GpuSample, encode
from spanwand.meter import LIVE_NS, MOST_DEVICES
from spanwand.pipeline import Pipeline

SECOND_NS = 1_000_000_000
BEGUN_NS = 1_790_000_000 * SECOND_NS
Frame = tuple[str, float, bytes]
"""By what road, at which second, what."""


def reading(seconds: float, joules: float, uuid: str = "GPU-0") -> GpuSample:
    return GpuSample(BEGUN_NS + int(seconds * SECOND_NS), uuid, "0", energy_mj=round(joules * 1_000))


def sent(*samples: GpuSample) -> bytes:
    """A request as an app sends it."""
    request = ExportMetricsServiceRequest()
    resource_metrics = request.resource_metrics.add()
    resource_metrics.resource.attributes.add(key="service.name").value.string_value = "painter"
    metric = resource_metrics.scope_metrics.add().metrics.add(name="hw.energy", unit="J")
    metric.sum.is_monotonic = True
    metric.sum.aggregation_temporality = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    for sample in samples:
        point = metric.sum.data_points.add(
            time_unix_nano=sample.time_ns, as_double=(sample.energy_mj or 0) / 1_000, start_time_unix_nano=BEGUN_NS
        )
        for key, text in (("hw.id", sample.uuid), ("hw.type", "gpu"), ("gpu.index", sample.index)):
            point.attributes.add(key=key).value.string_value = text
    return request.SerializeToString()


def fed(frames: Iterable[Frame], first: int = 0) -> tuple[Pipeline, list[Batch]]:
    """A line that was fed frames, each of ten bytes; from the one at position `first` on."""
    line, batches = Pipeline(LineConfig(), b"k" * 32), list[Batch | None]()
    position = 0
    for road, seconds, body in frames:
        if position >= first:
            take = line.metrics if road == "app" else line.gpus
            batches.append(take(position, position + 10, BEGUN_NS + int(seconds * SECOND_NS), body))
        position += 10
    batches.append(line.drain(position, position + 10, BEGUN_NS + int(seconds * SECOND_NS)))
    return line, [batch for batch in batches if batch]


def app(seconds: float, *samples: GpuSample) -> Frame:
    return "app", seconds, sent(*samples)


def here(seconds: float, *samples: GpuSample) -> Frame:
    return "here", seconds, encode(samples)


def points(batches: Iterable[Batch], key: str = "gpu/0/energy_j") -> float:
    return sum(update.points.get(key, 0) for batch in batches for update in batch.updates)


def test_what_an_app_reads_is_growth_from_its_second_reading_on() -> None:
    _, batches = fed([app(0, reading(0, 5_000)), app(1, reading(1, 5_300)), app(2, reading(2, 5_500))])
    assert points(batches) == 500


def test_two_processes_that_read_one_device_count_it_once() -> None:
    """Also out of order, and sent again: else the counter would seem to have begun anew."""
    frames = [app(0, reading(0, 100)), app(1, reading(1, 200)), app(1.2, reading(0.9, 190)), app(1.4, reading(1, 200))]
    line, batches = fed([*frames, app(2, reading(2, 300))])
    assert points(batches) == 200
    assert points(batches, f"spanwand/dropped/{DropReason.DUPLICATE}") == 2
    assert not line.drops


def test_an_app_whose_clock_is_ahead_is_heard_and_silences_nobody() -> None:
    """Its readings count from when they came; one of next year does not hide those that follow."""
    frames = [app(0, reading(0, 100)), app(1, reading(400 * 86_400, 200)), app(2, reading(62, 300))]
    line, batches = fed([*frames, app(3, reading(3, 400))])
    assert points(batches) == 300
    assert not points(batches, f"spanwand/dropped/{DropReason.DUPLICATE}")
    assert not line.drops


def test_a_reading_of_our_own_goes_before() -> None:
    """Ours come late, in frames of some seconds; from the first one on the app's are only counted."""
    frames = [
        app(0, reading(0, 100)),
        app(5, reading(5, 200)),
        here(6, reading(1, 110), reading(2, 120)),  # older than what is known
        app(7, reading(7, 240)),
        here(12, reading(3, 130), reading(6, 220), reading(8, 260)),
        app(13, reading(13, 300)),
    ]
    _, batches = fed(frames)
    assert points(batches) == 160
    assert points(batches, f"spanwand/dropped/{DropReason.DUPLICATE}") == 2


def test_an_app_is_heard_again_when_we_see_the_device_no_more() -> None:
    late = LIVE_NS // SECOND_NS + 20
    frames = [here(0, reading(0, 0)), app(late, reading(late, 100)), app(late + 1, reading(late + 1, 130))]
    assert points(fed(frames)[1]) == 30


@pytest.mark.parametrize("first", range(0, 120, 10))
def test_a_replay_from_any_low_gives_the_same(first: int) -> None:
    frames = [
        frame
        for second in range(0, 60, 5)
        for frame in (
            app(second, reading(second, 10 * second)),
            *([here(second + 1, reading(second + 0.5, 10 * second + 5))] if 20 <= second < 40 else []),
        )
    ]
    _, whole = fed(frames)
    batch = next((batch for batch in whole if batch.seq > first), whole[-1])
    _, again = fed(frames, batch.low)
    behind: list[Any] = [msgspec.to_builtins(one, enc_hook=str) for one in whole if one.seq > batch.seq]
    assert [msgspec.to_builtins(one, enc_hook=str) for one in again if one.seq > batch.seq] == behind


def test_devices_are_bounded() -> None:
    many = [reading(0, 1, f"GPU-{number}") for number in range(MOST_DEVICES + 3)]
    line, batches = fed([app(0, *many)])
    assert points(batches, f"spanwand/dropped/{DropReason.SERIES_OVERFLOW}") == 3
    assert not line.drops
