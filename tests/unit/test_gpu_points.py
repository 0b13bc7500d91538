"""P9: what an app reads of its GPUs goes through the SDK's metrics and comes out as the same reading."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.resources import Resource

from spanwand.decode_metrics import DecodeMetrics
from spanwand.dialects.hardware import NAMES, PARSERS
from spanwand.dialects.parsers import scalar_text
from spanwand.drops import Drops
from spanwand.gpu.app_metrics import GpuMetrics
from spanwand.gpu_points import gpu_samples
from spanwand.gpu_sample import GpuSample, Sharing
from spanwand.measurement import Measurement, Temporality
from spanwand.span import SpanResource

WHOLE = GpuSample(
    time_ns=0,
    uuid="GPU-1a2b",
    index="0",
    name="Stand-in 80GB",
    utilization=0.63,
    utilization_peak=0.99,
    memory_utilization=0.21,
    memory_used_bytes=7 << 30,
    memory_total_bytes=80 << 30,
    power_w=312.5,
    power_peak_w=377.0,
    power_limit_w=350.0,
    power_default_limit_w=400.0,
    energy_mj=5_000_123,
    temperature_c=55.0,
    sm_clock_mhz=1_980,
    memory_clock_mhz=2_619,
    throttle_reasons=4,
    ecc_corrected=2,
    ecc_uncorrected=0,
    encoder_utilization=0.1,
    decoder_utilization=0.0,
    pcie_received_bytes=1_000,
    pcie_sent_bytes=900,
    nvlink_received_bytes=5_120,
    nvlink_sent_bytes=4_096,
)
SLICE = GpuSample(time_ns=0, uuid="MIG-77", index="1.3", sharing=Sharing.MIG, memory_used_bytes=3 << 30)
NOT_SENT = {"processes", "trouble"}
"""Nothing in the history comes of these."""


class Kept(MetricExporter):
    """What the stock exporters would have sent."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies: list[bytes] = []

    def export(self, metrics_data: MetricsData, timeout_millis: float = 0, **_: Any) -> MetricExportResult:
        self.bodies.append(encode_metrics(metrics_data).SerializeToString())
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 0) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 0, **_: Any) -> None:
        pass


def decoded(body: bytes) -> list[Measurement]:
    return DecodeMetrics(NAMES.__contains__, {**PARSERS, "service.name": scalar_text}, Drops())(body)[0]


def sent(*rounds: Sequence[GpuSample]) -> list[list[Measurement]]:
    exporter = Kept()
    metrics = GpuMetrics(exporter, Resource({"service.name": "app"}))
    for samples in rounds:
        metrics.send(samples)
    return [decoded(body) for body in exporter.bodies]


def test_readings_come_out_as_they_went_in() -> None:
    assert {name for name in GpuSample.__struct_fields__ if getattr(WHOLE, name) in (None, "", ())} - {
        "sharing"
    } == NOT_SENT
    (points,) = sent([WHOLE, SLICE])
    samples, others = gpu_samples(points)
    assert not others
    assert all(sample.time_ns > 0 for sample in samples)
    assert [msgspec.structs.replace(sample, time_ns=0) for sample in samples] == [WHOLE, SLICE]


def test_a_device_that_is_not_read_any_more_is_not_sent_any_more() -> None:
    """Else its last figures would be repeated for ever."""
    _, second = sent([WHOLE, SLICE], [SLICE])
    assert [sample.uuid for sample in gpu_samples(second)[0]] == ["MIG-77"]


def point(value: float, **attributes: str) -> Measurement:
    ours = {"hw.id": "GPU-1", "hw.type": "gpu", "gpu.index": "0"}
    return Measurement(
        name="hw.energy",
        series=b"s",
        attributes={**ours, **{name.replace("_", "."): text for name, text in attributes.items()}},
        resource=SpanResource({}),
        temporality=Temporality.CUMULATIVE,
        start_ns=0,
        time_ns=1,
        value=value,
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, 1e300])
def test_nonsense_is_not_known(value: float) -> None:
    (sample,), _ = gpu_samples([point(value)])
    assert sample.energy_mj is None


def test_growth_is_no_counter() -> None:
    """Through a pipeline that turns counters into deltas: power says what was used."""
    (sample,), _ = gpu_samples([msgspec.structs.replace(point(3.0), temporality=Temporality.DELTA)])
    assert sample.energy_mj is None


@pytest.mark.parametrize(
    "attributes",
    [{"hw_id": "0"}, {"hw_type": "cpu"}, {"gpu_index": "sk-secret"}, {"gpu_index": ""}, {"hw_id": "GPU-" + 81 * "x"}],
)
def test_points_of_others_are_left_to_the_table_of_metrics(attributes: dict[str, str]) -> None:
    strange = point(1.0, **attributes)
    assert gpu_samples([strange]) == ([], [strange])
