"""What the daemon says about itself: one document, from which `spanwand status`, `/readyz` and `/metrics` are made."""

from collections.abc import Mapping

import msgspec

from spanwand_sidecar.deliver import SinkStatus


class Endpoints(msgspec.Struct, frozen=True, kw_only=True):
    """Where a running daemon is found; the content of an endpoints file. Addresses as bound, never port 0."""

    pid: int
    grpc: tuple[str, ...]
    http: str
    admin: str
    data_dir: str


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """What was acknowledged or refused at the doors since the start."""

    spans: int = 0
    bytes: int = 0
    requests: Mapping[str, int] = {}
    """Requests by answer: `accepted`, or the reason of a refusal."""


class JournalStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The journal. `backlog_bytes` is what some sink may still need."""

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
