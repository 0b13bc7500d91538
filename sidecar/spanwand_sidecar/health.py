"""The status document as Prometheus metrics, and as the answers of liveness and readiness probes."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from spanwand_sidecar.control import Answer
from spanwand_sidecar.status import Status

SINK_STATES = ("starting", "idle", "delivering", "retrying", "closed")
Values = Callable[[Status], Mapping[tuple[str, ...], float]]


class Family(NamedTuple):
    """One metric: its name (a counter's without `_total`), help, labels, and its values by label values."""

    kind: type[CounterMetricFamily] | type[GaugeMetricFamily]
    name: str
    help: str
    labels: tuple[str, ...]
    values: Values


def _one(value: Callable[[Status], float]) -> Values:
    return lambda status: {(): value(status)}


def _by_name(values: Callable[[Status], Mapping[str, float]]) -> Values:
    return lambda status: {(name,): value for name, value in values(status).items()}


def _sink_outcomes(status: Status) -> dict[tuple[str, ...], float]:
    return {(name, kind): count for name, sink in status.sinks.items() for kind, count in sink.outcomes.items()}


def _sink_states(status: Status) -> dict[tuple[str, ...], float]:
    return {(name, state): sink.state == state for name, sink in status.sinks.items() for state in SINK_STATES}


COUNTER = CounterMetricFamily
GAUGE = GaugeMetricFamily
FAMILIES = (
    Family(GAUGE, "spanwand_ready", "1 if senders are not told to wait.", (), _one(lambda s: s.ready)),
    Family(GAUGE, "spanwand_uptime_seconds", "Time since the start.", (), _one(lambda s: s.uptime_s)),
    Family(COUNTER, "spanwand_received_spans", "Spans acknowledged.", (), _one(lambda s: s.received.spans)),
    Family(COUNTER, "spanwand_received_bytes", "Bytes acknowledged.", (), _one(lambda s: s.received.bytes)),
    Family(
        COUNTER,
        "spanwand_received_requests",
        "Requests by answer.",
        ("answer",),
        _by_name(lambda s: s.received.requests),
    ),
    Family(
        COUNTER, "spanwand_dropped_items", "Items dropped, by reason.", ("reason",), _by_name(lambda s: s.line.dropped)
    ),
    Family(
        COUNTER, "spanwand_failed_frames", "Frames that the line failed on.", (), _one(lambda s: s.line.failed_frames)
    ),
    Family(GAUGE, "spanwand_journal_bytes", "Disk use of the journal.", (), _one(lambda s: s.journal.size_bytes)),
    Family(
        GAUGE,
        "spanwand_journal_backlog_bytes",
        "Journal not in every sink.",
        (),
        _one(lambda s: s.journal.backlog_bytes),
    ),
    Family(GAUGE, "spanwand_journal_max_bytes", "Size cap of the journal.", (), _one(lambda s: s.journal.max_bytes)),
    Family(
        GAUGE,
        "spanwand_oldest_undelivered_seconds",
        "Age of the oldest frame that is not in every sink.",
        (),
        _one(lambda s: s.journal.oldest_undelivered_s),
    ),
    Family(
        COUNTER, "spanwand_journal_damaged_stretches", "Unreadable parts found.", (), _one(lambda s: s.journal.damaged)
    ),
    Family(COUNTER, "spanwand_sink_batches", "Tries by outcome.", ("sink", "outcome"), _sink_outcomes),
    Family(GAUGE, "spanwand_sink_state", "1 for the state a sink is in.", ("sink", "state"), _sink_states),
    Family(
        GAUGE,
        "spanwand_sink_undelivered_batches",
        "Batches a sink was offered and has not settled.",
        ("sink",),
        _by_name(lambda s: {name: sink.undelivered for name, sink in s.sinks.items()}),
    ),
)


class _Snapshot(Collector):
    """All families, from one status."""

    def __init__(self, status: Status) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        for family in FAMILIES:
            metric = family.kind(family.name, family.help, labels=family.labels)
            for labels, value in family.values(self._status).items():
                metric.add_metric(labels, value)
            yield metric


def metrics(status: Status) -> Answer:
    """`/metrics`: the text format of Prometheus."""
    registry = CollectorRegistry()
    registry.register(_Snapshot(status))
    return Answer(generate_latest(registry), CONTENT_TYPE_PLAIN_0_0_4)


def ready(status: Status) -> Answer:
    """`/readyz`: 200, or 503 while senders are told to wait; one reason a line either way."""
    lines = ("ready" if status.ready else "not ready", *status.reasons)
    return Answer("".join(f"{line}\n" for line in lines).encode(), status=200 if status.ready else 503)


def live() -> Answer:
    """`/livez`: the process answers."""
    return Answer(b"alive\n")
