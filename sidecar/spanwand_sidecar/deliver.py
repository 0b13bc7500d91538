"""Hands batches to one sink, from a bounded queue and a thread of its own, until each is delivered or refused."""

import queue
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import assert_never

import msgspec

from spanwand.batch import Batch
from spanwand.drops import DropReason, Drops
from spanwand.errors import SpanwandError
from spanwand.outcomes import Delivered, Outcome, Rejected, Retry
from spanwand.ports import Sink
from spanwand_sidecar.commits import Commit, Commits
from spanwand_sidecar.config import DeliverConfig
from spanwand_sidecar.kill_points import kill_point
from spanwand_sidecar.log import LOG, Seldom

FIRST_BACKOFF_S = 1.0


class SinkStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What `spanwand status` shows of a sink. `state`: starting, idle, delivering, retrying or closed."""

    state: str = "starting"
    why: str = ""
    delivered_seq: int = -1
    undelivered: int = 0
    """Batches it was offered and has not settled yet."""
    next_retry_s: float = 0.0
    """Unix time of the next try; 0 if none is planned."""
    outcomes: dict[str, int] = {}
    dropped: dict[str, int] = {}
    """What it gave up of batches since the start, by reason: see `spanwand.ports.Sink`."""
    notes: tuple[str, ...] = ()
    """What else a person should know of it, likewise."""


class Delivery:
    """The way to one sink: `put` from the line's thread, the rest on a thread of its own.

    The sink is made on that thread, so that a slow import or a hanging server does not delay the daemon.
    """

    def __init__(self, name: str, open_sink: Callable[[], Sink], commits: Commits, config: DeliverConfig) -> None:
        self.name = name
        self.counts: Counter[str] = Counter()
        self._open_sink = open_sink
        self._sink: Sink | None = None
        self._commits = commits
        self._offered = 0
        self._settled = 0
        self._queue: queue.Queue[Batch | None] = queue.Queue(config.max_queued_batches)
        self._max_backoff_s = config.max_backoff_s
        self._finishing = threading.Event()
        self._give_up = threading.Event()
        self._finish_by_s = float("inf")
        self._status = SinkStatus(delivered_seq=commits[name].seq)
        self._seldom = Seldom()
        self._told = Drops()
        self._thread = threading.Thread(target=self._run, name=f"sink-{name}", daemon=True)

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def wants(self, batch: Batch) -> bool:
        """Whether this sink does not have the batch yet."""
        return batch.seq > self._commits[self.name].seq

    def put(self, batch: Batch) -> None:
        """Queue a batch; waits while the queue is full. A batch this sink has already is passed over."""
        if self.wants(batch):
            self._offered += 1
            self._queue.put(batch)

    def finish(self, deliver_by_s: float, finish_by_s: float) -> None:
        """Deliver what is queued until `deliver_by_s`, then close the sink until `finish_by_s` (monotonic seconds)."""
        self._finish_by_s = finish_by_s
        self._finishing.set()
        try:
            self._queue.put(None, timeout=_left(deliver_by_s))
        except queue.Full:
            self._give_up.set()
        self._thread.join(_left(deliver_by_s))
        self._give_up.set()
        self._thread.join(_left(finish_by_s))

    def status(self) -> SinkStatus:
        """A snapshot."""
        undelivered = self._offered - self._settled
        return msgspec.structs.replace(
            self._status,
            undelivered=undelivered,
            outcomes=dict(self.counts),
            dropped={reason.value: count for reason, count in self.drops.items()},
            notes=getattr(self._sink, "notes", ()),
        )

    @property
    def drops(self) -> Drops:
        """What was given up since the start: batches that were refused, and what the sink says of parts of others."""
        of_parts: Drops = getattr(self._sink, "drops", None) or Drops()
        return of_parts + Drops({DropReason.REJECTED_BY_SINK: self.counts["rejected"]})

    def _run(self) -> None:
        sink = self._sink = self._opened()
        if sink:
            self._show("idle")
            while not self._give_up.is_set() and self._deliver_next(sink):
                pass
            self._close(sink)
        self._show("closed", self._status.why)

    def _deliver_next(self, sink: Sink) -> bool:
        """Wait for a batch and deliver it; False at the end. Nothing of it is held while the next is awaited."""
        batch = self._queue.get()
        if batch:
            self._deliver(sink, batch)
        return batch is not None

    def _opened(self) -> Sink | None:
        tries = 0
        while not self._give_up.is_set():
            try:
                return self._open_sink()
            except Exception as error:  # noqa: BLE001  # a plug-in's start: whatever it is, it is tried again
                self._pause(tries, Retry(0.0, f"cannot start: {_explain(error)}"))
                tries += 1
        return None

    def _deliver(self, sink: Sink, batch: Batch) -> None:
        tries = 0
        self._show("delivering", self._status.why)
        while not self._give_up.is_set():
            outcome = self._write(sink, batch)
            if not isinstance(outcome, Retry):
                self._settled += 1
                self._show("idle", outcome.why if isinstance(outcome, Rejected) else "", delivered_seq=batch.seq)
                return
            tries = 0 if outcome.is_getting_on else tries
            self._pause(tries, outcome)
            tries += 1

    def _write(self, sink: Sink, batch: Batch) -> Outcome:
        """Write and record one batch. A disk that cannot take the record makes it a Retry, as does a sink's bug."""
        try:
            outcome = sink.write(batch) if batch.updates else Delivered()
            self.counts[type(outcome).__name__.lower()] += 1
            self._tell_drops()
            kill_point("batch_written")
            self._record(outcome, batch)
        except Exception as error:  # noqa: BLE001  # a sink must not raise; if it does, nothing is lost
            self.counts["failed"] += 1
            self._seldom.warning("failed", "sink %s failed", self.name, exc_info=True)
            return Retry(0.0, _explain(error))
        return outcome

    def _record(self, outcome: Outcome, batch: Batch) -> None:
        match outcome:
            case Retry():
                return
            case Rejected(why):
                self._seldom.warning("rejected", "sink %s refuses a batch: %s", self.name, why)
            case Delivered():
                pass
            case _:
                assert_never(outcome)
        self._commits.advance(self.name, Commit(batch.seq, batch.low))
        kill_point("batch_committed")

    def _tell_drops(self) -> None:
        drops = self.drops
        if drops != self._told:
            self._told = drops
            text = ", ".join(f"{count} {reason}" for reason, count in drops.items())
            self._seldom.warning("dropped", "sink %s dropped since the start: %s", self.name, text)

    def _pause(self, tries: int, outcome: Retry) -> None:
        """Full jitter, but never less than the sink asked for. A stop cuts one pause short, for one more try."""
        ceiling_s = min(self._max_backoff_s, FIRST_BACKOFF_S * 2 ** min(tries, 30))
        pause_s = max(outcome.after_s, random.uniform(0, ceiling_s))  # noqa: S311  # jitter is no secret
        self._seldom.warning("retry", "sink %s: trying again in %.1f s: %s", self.name, pause_s, outcome.why)
        self._show("retrying", outcome.why, next_retry_s=time.time() + pause_s)
        (self._give_up if self._finishing.is_set() else self._finishing).wait(pause_s)

    def _close(self, sink: Sink) -> None:
        try:
            sink.close(_left(self._finish_by_s))
        except Exception:  # noqa: BLE001  # a sink's bug must not keep the daemon from stopping
            LOG.warning("sink %s failed to close", self.name, exc_info=True)

    def _show(self, state: str, why: str = "", *, delivered_seq: int | None = None, next_retry_s: float = 0.0) -> None:
        seq = self._status.delivered_seq if delivered_seq is None else delivered_seq
        self._status = SinkStatus(state=state, why=why, delivered_seq=seq, next_retry_s=next_retry_s)


def _left(deadline_s: float) -> float:
    return max(deadline_s - time.monotonic(), 0.0)


def _explain(error: Exception) -> str:
    """What is known to hold nothing that an app has sent: our own texts and the system's; else the type alone."""
    if isinstance(error, SpanwandError):
        return str(error)
    system = error.strerror if isinstance(error, OSError) else None
    return f"{type(error).__name__}: {system}" if system else type(error).__name__
