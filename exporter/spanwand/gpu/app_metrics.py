"""Readings of GPUs as metrics of the OpenTelemetry SDK: observable instruments that show the last one when asked."""

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib.metadata import entry_points

from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.sdk.metrics import MeterProvider, ObservableCounter, ObservableUpDownCounter
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from spanwand.dialects.hardware import METRICS, HardwareMetric, Instrument, attributes_of
from spanwand.gpu_sample import GpuSample

_CREATE: Mapping[Instrument, Callable[[Meter], Callable[..., object]]] = {
    Instrument.GAUGE: lambda meter: meter.create_observable_gauge,
    Instrument.COUNTER: lambda meter: meter.create_observable_counter,
    Instrument.UP_DOWN_COUNTER: lambda meter: meter.create_observable_up_down_counter,
}
_AS_COUNTED: dict[type, AggregationTemporality] = dict.fromkeys(
    (ObservableCounter, ObservableUpDownCounter), AggregationTemporality.CUMULATIVE
)
"""Counters as the device has them, whatever the app prefers: only so can a reading that is lost be made up for."""
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")


class GpuMetrics:
    """Sends readings by an exporter of the SDK, when told to. Used from one thread."""

    def __init__(self, exporter: MetricExporter, resource: Resource) -> None:
        self._samples: Sequence[GpuSample] = ()
        self._reader = PeriodicExportingMetricReader(exporter, export_interval_millis=math.inf)
        provider = MeterProvider([self._reader], resource, shutdown_on_exit=False)
        meter = provider.get_meter("spanwand.gpu")
        for metric in METRICS:
            _CREATE[metric.instrument](meter)(metric.name, [partial(self._observe, metric)], metric.unit, metric.text)

    def send(self, samples: Sequence[GpuSample]) -> None:
        """Export one reading of each device. What cannot be sent is logged by the exporter, and lost."""
        self._samples = samples
        self._reader.collect()

    def _observe(self, metric: HardwareMetric, _: CallbackOptions) -> Iterator[Observation]:
        for sample in self._samples:
            for label, field in metric.fields.items():
                value = getattr(sample, field)
                if value is not None:
                    yield Observation(value * metric.scale, attributes_of(sample, metric, label))


def otlp_exporter(environ: Mapping[str, str] = os.environ) -> MetricExporter:
    """The SDK's OTLP exporter, by the protocol that the standard variables ask for. Raises LookupError."""
    protocol = next((environ[name] for name in _PROTOCOLS if environ.get(name)), "grpc")
    name = f"otlp_proto_{protocol.partition('/')[0]}"
    for entry_point in entry_points(group="opentelemetry_metrics_exporter", name=name):
        exporter: MetricExporter = entry_point.load()(preferred_temporality=_AS_COUNTED)
        return exporter
    raise LookupError(f"there is no exporter {name}: pip install opentelemetry-exporter-otlp")
