"""The batches one sink has still to take, and the thread that offers them. In memory: an app has no journal."""

import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import assert_never

from spanwand.background import start_thread
from spanwand.batch import Batch
from spanwand.drops import DropReason
from spanwand.forks import held_back
from spanwand.losses import Losses
from spanwand.outcomes import Delivered, Outcome, Rejected, Retry
from spanwand.ports import Sink

logger = logging.getLogger(__name__)

MAX_BACKOFF_S = 60.0


class Outbox:
    """Offers batches to a sink in order until each is in, refused, or pushed out by newer ones.

    The sink is made on that thread: a slow import or a hanging server delays nobody. Deadlines are seconds of the
    monotonic clock.
    """

    def __init__(self, open_sink: Callable[[], Sink], max_records: int, losses: Losses) -> None:
        self._open_sink = open_sink
        self._max_records = max_records
        self._losses = losses
        self._batches: deque[Batch] = deque()
        self._sink: Sink | None = None
        self._busy = False
        self._deadline_s: float | None = None
        self._changed = threading.Condition()
        self._thread = start_thread("spanwand-sink", self._run)

    def put(self, batch: Batch) -> None:
        """Add a batch, without waiting. Over the limit the oldest go: what is recent is worth more."""
        with self._changed:
            self._batches.append(batch)
            while len(self._batches) > 1 and sum(map(records, self._batches)) > self._max_records:
                self._batches.popleft()
                self._losses.add(DropReason.SINK_BACKLOG, 1)
            self._changed.notify_all()

    def wait_empty(self, deadline_s: float) -> bool:
        """Wait until everything is in; False if the deadline came first."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._batches and not self._busy, left_s(deadline_s))

    def stop(self, deadline_s: float) -> None:
        """Deliver what there is until the deadline, then close the sink. Nothing is put afterwards."""
        with self._changed:
            self._deadline_s = deadline_s
            self._changed.notify_all()

    def join(self, deadline_s: float) -> bool:
        """Wait for the end of a stopped outbox; False if the deadline came first.

        Then the sink is closed with no time left, though a call of it hangs: what it started must not hold up Python.
        """
        self._thread.join(left_s(deadline_s))
        if not self._thread.is_alive():
            return True
        if self._sink:
            _close(self._sink, 0.0)
        return False

    def _run(self) -> None:
        sink = self._sink = self._opened()
        while batch := self._next():
            self._deliver(sink, batch)
        _close(sink, left_s(self._deadline_s or 0.0))

    def _opened(self) -> Sink:
        try:
            with held_back():
                return self._open_sink()
        except Exception:
            logger.exception("spanwand: a sink cannot be opened; nothing will be written to it")
            return Refusing("it could not be opened")

    def _next(self) -> Batch | None:
        """The next batch as soon as there is one; None once stopped and nothing is left."""
        with self._changed:
            self._busy = False
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._batches or self._deadline_s is not None)
            self._busy = bool(self._batches)
            return self._batches.popleft() if self._batches else None

    def _deliver(self, sink: Sink, batch: Batch) -> None:
        for tries in itertools.count(1):
            outcome = _write(sink, batch)
            match outcome:
                case Delivered():
                    return
                case Rejected(why):
                    self._losses.add(DropReason.REJECTED_BY_SINK, 1, why)
                    return
                case Retry(after_s, why):
                    if not self._pause(max(after_s, min(2.0**tries, MAX_BACKOFF_S))):
                        self._losses.add(DropReason.SINK_BACKLOG, 1, why)
                        return
                case _:
                    assert_never(outcome)

    def _pause(self, pause_s: float) -> bool:
        """Wait before the next try. A stop cuts it short, for one more try; False if no later one is in time."""
        with self._changed:
            if self._deadline_s is None:
                self._changed.wait_for(lambda: self._deadline_s is not None, pause_s)
                return True
        if pause_s >= left_s(self._deadline_s):
            return False
        time.sleep(pause_s)
        return True


class Refusing:
    """Stands in for a sink that could not be opened: every batch is counted, none is kept."""

    def __init__(self, why: str) -> None:
        self._why = why

    def write(self, batch: Batch) -> Outcome:
        """Refuse."""
        return Rejected(f"batch {batch.seq}: {self._why}")

    def close(self, deadline_s: float) -> None:
        """Nothing to close, whatever `deadline_s`."""


def records(batch: Batch) -> int:
    """Size of a batch: history points and Table rows, each a few kilobytes at most."""
    return sum(1 + sum(map(len, update.rows.values())) for update in batch.updates)


def left_s(deadline_s: float) -> float:
    """Seconds until a deadline of the monotonic clock, not less than 0."""
    return max(deadline_s - time.monotonic(), 0.0)


def _write(sink: Sink, batch: Batch) -> Outcome:
    try:
        return sink.write(batch)
    except Exception as error:
        logger.warning("spanwand: a sink failed", exc_info=True)
        return Retry(0.0, type(error).__name__)


def _close(sink: Sink, timeout_s: float) -> None:
    try:
        sink.close(timeout_s)
    except Exception:
        logger.warning("spanwand: a sink failed to close", exc_info=True)
