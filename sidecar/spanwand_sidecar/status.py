"""What the daemon says about itself: one document, from which `spanwand status`, `/readyz` and `/metrics` are made."""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

import spanwand
from spanwand_sidecar.commits import Commits
from spanwand_sidecar.deliver import Delivery, SinkStatus
from spanwand_sidecar.gpu.ticker import GpuStatus, Ticker
from spanwand_sidecar.journal import Journal
from spanwand_sidecar.names.step import Names
from spanwand_sidecar.receive import Counters, Signal
from spanwand_sidecar.worker import Worker

FULL = 0.98
"""Share of the journal's cap from which on it counts as full: a large request may be refused already."""


class Endpoints(msgspec.Struct, frozen=True, kw_only=True):
    """Where a running daemon is found; the content of an endpoints file. Addresses as bound, never port 0."""

    pid: int
    grpc: tuple[str, ...]
    http: str
    admin: str
    data_dir: str


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """What the doors counted since the start. Items and bytes are those acknowledged."""

    spans: int
    metrics: int
    log_records: int
    images: int
    bytes: int
    requests: Mapping[str, int]
    """By signal."""
    refused: Mapping[str, int]
    """Requests not acknowledged, by reason."""


class JournalStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The journal. `backlog_bytes` is what is not in every sink yet; more is kept, to know repeats after a restart."""

    size_bytes: int
    backlog_bytes: int
    max_bytes: int
    oldest_undelivered_s: float
    """Age of the oldest frame that is not in every sink yet; 0 if there is none."""
    damaged: int
    truncated_bytes: int
    sick: str


class LineStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The line. `position` is the journal position it has reached."""

    position: int
    waiting: bool
    failed_frames: int
    dropped: Mapping[str, int]
    last_batch_seq: int
    last_batch_end: float
    """Unix time at which the last window ended; 0 before the first."""


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Everything. `ready` is false if senders are told to wait; `reasons` says what is not as it should be."""

    version: str
    uptime_s: float
    ready: bool
    reasons: tuple[str, ...]
    endpoints: Endpoints
    received: Received
    journal: JournalStatus
    line: LineStatus
    sinks: Mapping[str, SinkStatus]
    gpus: GpuStatus = GpuStatus()


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The running parts that a status is read from."""

    started_s: float
    """Monotonic seconds."""
    max_journal_bytes: int
    remember_s: float
    """How long repeats are known: `deduplicate.window_s`."""
    journal: Journal
    commits: Commits
    worker: Worker
    names: Names | None
    """None: switched off."""
    gpus: Ticker | None
    """None: switched off."""
    deliveries: Sequence[Delivery]
    counters: Counters
    stopping: threading.Event


def snapshot(parts: Parts, endpoints: Endpoints) -> Status:
    """The status now."""
    sinks = {delivery.name: delivery.status() for delivery in parts.deliveries}
    obstacles = tuple(_obstacles(parts))
    return Status(
        version=spanwand.__version__,
        uptime_s=time.monotonic() - parts.started_s,
        ready=not obstacles,
        reasons=(*obstacles, *_troubles(parts, sinks)),
        endpoints=endpoints,
        received=_received(parts.counters),
        journal=_journal(parts),
        line=_line(parts),
        sinks=sinks,
        gpus=parts.gpus.status if parts.gpus else GpuStatus(),
    )


def is_ready(parts: Parts) -> bool:
    """Whether senders are not told to wait."""
    return next(_obstacles(parts), None) is None


def _received(counters: Counters) -> Received:
    return Received(
        spans=counters.accepted[Signal.TRACES],
        metrics=counters.accepted[Signal.METRICS],
        log_records=counters.accepted[Signal.LOGS],
        images=counters.accepted_images,
        bytes=counters.accepted_bytes,
        requests={name.value: count for name, count in counters.requests.items()},
        refused={name.value: count for name, count in counters.refused.items()},
    )


def _journal(parts: Parts) -> JournalStatus:
    journal = parts.journal
    return JournalStatus(
        size_bytes=journal.size_bytes,
        backlog_bytes=_backlog_bytes(parts),
        max_bytes=parts.max_journal_bytes,
        oldest_undelivered_s=_oldest_undelivered_s(parts),
        damaged=journal.damaged,
        truncated_bytes=journal.truncated_bytes,
        sick=journal.sick,
    )


def _backlog_bytes(parts: Parts) -> int:
    return max(parts.journal.end - parts.commits.delivered, 0)


def _oldest_undelivered_s(parts: Parts) -> float:
    arrival_ns = parts.journal.arrival_ns(parts.commits.delivered)
    return 0.0 if arrival_ns is None else max(time.time() - arrival_ns / 1e9, 0.0)


def _line(parts: Parts) -> LineStatus:
    worker = parts.worker
    return LineStatus(
        position=worker.position,
        waiting=worker.waiting,
        failed_frames=worker.failed_frames,
        dropped=sum(map(Counter, _dropped_behind(parts)), start=worker.dropped),
        last_batch_seq=worker.last_seq,
        last_batch_end=worker.last_end_ns / 1e9,
    )


def _dropped_behind(parts: Parts) -> Iterator[Mapping[str, int]]:
    """What was given up behind the line, by reason."""
    yield from (delivery.status().dropped for delivery in parts.deliveries)
    if parts.names:
        yield {reason.value: count for reason, count in parts.names.drops.items()}


def _obstacles(parts: Parts) -> Iterator[str]:
    """Why senders are told to wait."""
    if parts.journal.sick:
        yield f"the journal's disk refuses: {parts.journal.sick}"
    if not parts.journal.space.has_room():
        yield str(parts.journal.space)
    needed_bytes = parts.journal.end - parts.commits.low
    if needed_bytes >= FULL * parts.max_journal_bytes:
        yield f"the journal is full: {needed_bytes} of {parts.max_journal_bytes} bytes are kept until more is delivered"
    if parts.stopping.is_set():
        yield "stopping"


def _troubles(parts: Parts, sinks: Mapping[str, SinkStatus]) -> Iterator[str]:
    """What is wrong, though senders need not care."""
    for name, sink in sinks.items():
        if sink.state == "retrying":
            yield f"sink {name} is retrying: {sink.why}"
    if parts.gpus and (why := parts.gpus.status.trouble):
        yield f"GPUs: {why}"
    if parts.worker.failed_frames:
        yield f"the line failed on {parts.worker.failed_frames} frames: see the log, it is a bug"
    if time.time() - parts.worker.forgot_s < parts.remember_s:
        yield f"the disk is too small for {parts.remember_s:g} s of repeats: older spans that come again count again"
    if parts.journal.damaged:
        yield f"{parts.journal.damaged} parts of the journal were unreadable"
