"""The status document as Prometheus metrics. Imported when they are first asked for: a start can do without."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from spanwand_sidecar.gpu.exposition import DEVICE_LABELS, DEVICE_METRICS, DeviceMetric, readings
from spanwand_sidecar.status import Status

Kind = type[CounterMetricFamily] | type[GaugeMetricFamily]
COUNTER = CounterMetricFamily
GAUGE = GaugeMetricFamily
SINK_STATES = ("starting", "idle", "delivering", "retrying", "closed")
GPU_STATES = ("off", "starting", "reading", "none", "unavailable", "hung")


class Family(NamedTuple):
    """One metric: its name (a counter's without `_total`), help, labels, and its values by label values."""

    kind: Kind
    name: str
    text: str
    labels: tuple[str, ...]
    values: Callable[[Status], Mapping[tuple[str, ...], float]]


def _one(kind: Kind, name: str, text: str, value: Callable[[Status], float]) -> Family:
    return Family(kind, name, text, (), lambda status: {(): value(status)})


def _by(kind: Kind, name: str, text: str, label: str, values: Callable[[Status], Mapping[str, float]]) -> Family:
    return Family(kind, name, text, (label,), lambda s: {(key,): value for key, value in values(s).items()})


def _sink_outcomes(status: Status) -> dict[tuple[str, ...], float]:
    return {(name, kind): count for name, sink in status.sinks.items() for kind, count in sink.outcomes.items()}


def _sink_states(status: Status) -> dict[tuple[str, ...], float]:
    return {(name, state): sink.state == state for name, sink in status.sinks.items() for state in SINK_STATES}


def _gpu_states(status: Status) -> dict[str, float]:
    return {state: status.gpus.state == state for state in GPU_STATES}


def _of_gpus(metric: DeviceMetric) -> Family:
    labels = (*DEVICE_LABELS, metric.label) if metric.label else DEVICE_LABELS
    kind = COUNTER if metric.is_counter else GAUGE
    return Family(kind, metric.name, metric.text, labels, lambda status: readings(metric, status.gpus.devices))


def _undelivered(status: Status) -> dict[str, float]:
    return {name: sink.undelivered for name, sink in status.sinks.items()}


FAMILIES = (
    _one(GAUGE, "spanwand_ready", "1 if senders are not told to wait", lambda s: s.ready),
    _one(GAUGE, "spanwand_uptime_seconds", "Time since the start", lambda s: s.uptime_s),
    _one(COUNTER, "spanwand_received_spans", "Spans acknowledged", lambda s: s.received.spans),
    _one(COUNTER, "spanwand_received_metrics", "OTLP metrics acknowledged", lambda s: s.received.metrics),
    _one(COUNTER, "spanwand_received_log_records", "Log records acknowledged", lambda s: s.received.log_records),
    _one(COUNTER, "spanwand_received_images", "Uploaded images acknowledged", lambda s: s.received.images),
    _one(COUNTER, "spanwand_received_bytes", "Bytes acknowledged", lambda s: s.received.bytes),
    _by(COUNTER, "spanwand_received_requests", "Requests", "signal", lambda s: s.received.requests),
    _by(COUNTER, "spanwand_refused_requests", "Requests not acknowledged", "reason", lambda s: s.received.refused),
    _by(COUNTER, "spanwand_dropped_items", "Items dropped", "reason", lambda s: s.line.dropped),
    _one(COUNTER, "spanwand_failed_frames", "Frames that the line failed on", lambda s: s.line.failed_frames),
    _one(GAUGE, "spanwand_journal_bytes", "Disk use of the journal", lambda s: s.journal.size_bytes),
    _one(GAUGE, "spanwand_journal_backlog_bytes", "Journal not in every sink", lambda s: s.journal.backlog_bytes),
    _one(GAUGE, "spanwand_journal_max_bytes", "Size cap of the journal", lambda s: s.journal.max_bytes),
    _one(COUNTER, "spanwand_journal_damaged_stretches", "Unreadable parts found", lambda s: s.journal.damaged),
    _one(
        GAUGE,
        "spanwand_undelivered_seconds",
        "Age of the oldest frame not in every sink",
        lambda s: s.journal.oldest_undelivered_s,
    ),
    Family(COUNTER, "spanwand_sink_batches", "Tries by outcome", ("sink", "outcome"), _sink_outcomes),
    Family(GAUGE, "spanwand_sink_state", "1 for the state a sink is in", ("sink", "state"), _sink_states),
    _by(GAUGE, "spanwand_sink_undelivered_batches", "Batches a sink has to settle", "sink", _undelivered),
    _by(GAUGE, "spanwand_gpu_state", "1 for the state of reading GPUs", "state", _gpu_states),
    _one(COUNTER, "spanwand_gpu_readings", "Rounds in which GPUs were read", lambda s: s.gpus.readings),
    _one(COUNTER, "spanwand_gpu_refused_readings", "Readings not journalled", lambda s: s.gpus.refused),
    *map(_of_gpus, DEVICE_METRICS),
)


class _Snapshot(Collector):
    """All families, from one status."""

    def __init__(self, status: Status) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        for family in FAMILIES:
            metric = family.kind(family.name, family.text, labels=family.labels)
            for labels, value in family.values(self._status).items():
                metric.add_metric(labels, value)
            yield metric


def render(status: Status) -> tuple[bytes, str]:
    """The text format of Prometheus, and its content type."""
    registry = CollectorRegistry()
    registry.register(_Snapshot(status))
    return generate_latest(registry), CONTENT_TYPE_PLAIN_0_0_4
