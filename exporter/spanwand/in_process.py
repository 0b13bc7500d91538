"""The line inside an app: a bounded queue of spans, one thread that runs the pipeline, and one for each sink.

Positions are a running count instead of the journal's bytes, and arrival is the wall clock made monotonic; the
pipeline is the one the daemon runs. Nothing is on disk, so a kill costs what is not delivered yet.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from opentelemetry.sdk.trace import ReadableSpan

from spanwand.background import start_thread
from spanwand.batch import Batch
from spanwand.config import InProcessConfig
from spanwand.drops import DropReason
from spanwand.forks import held_back
from spanwand.losses import Losses
from spanwand.outbox import Outbox, left_s
from spanwand.pipeline import Pipeline
from spanwand.ports import Sink
from spanwand.readable_span import ReadableSpans

logger = logging.getLogger(__name__)

TICK_S = 1.0
"""Pause after which time is told to pass, while something is open."""


class Drain(NamedTuple):
    """An order on the queue: close everything that is open."""

    done: threading.Event
    is_last: bool


class Line:
    """Takes ended spans on any thread and returns at once. Deadlines are seconds of the monotonic clock."""

    def __init__(
        self,
        config: InProcessConfig,
        open_pipeline: Callable[[], Pipeline],
        open_sinks: Sequence[Callable[[], Sink]],
        instance_suffix: str = "",
    ) -> None:
        """`open_pipeline` and `open_sinks` are called on threads of the line; what they raise is logged there."""
        self._open_pipeline = open_pipeline
        self._instance_suffix = instance_suffix
        self._max_spans = config.max_queued_spans
        self._losses = Losses()
        self._outboxes = [Outbox(open_sink, config.max_pending_records, self._losses) for open_sink in open_sinks]
        self._queue: queue.SimpleQueue[Sequence[ReadableSpan] | Drain] = queue.SimpleQueue()
        self._room = threading.RLock()  # re-entrant: a signal handler may end a span in the middle of `offer`
        self._queued = 0
        self._pipeline: Pipeline | None = None
        self._position = 0
        self._arrival_ns = 0
        self._thread = start_thread("spanwand-line", self._run)

    def offer(self, spans: Sequence[ReadableSpan]) -> bool:
        """Queue spans without waiting; False if there was no room for all."""
        with self._room:
            accepted = spans[: max(self._max_spans - self._queued, 0)]
            self._queued += len(accepted)
        if accepted:
            self._queue.put(accepted)
        if len(accepted) < len(spans):
            self._losses.add(DropReason.QUEUE_FULL, len(spans) - len(accepted))
        return len(accepted) == len(spans)

    def drain(self, deadline_s: float) -> bool:
        """Close every open trace and window and wait until all is delivered; False if the deadline came first."""
        drained = self._drain(deadline_s, is_last=False)
        return all([outbox.wait_empty(deadline_s) for outbox in self._outboxes]) and drained

    def close(self, deadline_s: float) -> bool:
        """Drain, close the sinks and end the threads; False if the deadline came first."""
        drained = self._drain(deadline_s, is_last=True)
        for outbox in self._outboxes:
            outbox.stop(deadline_s)
        return all([outbox.join(deadline_s) for outbox in self._outboxes]) and drained

    def _drain(self, deadline_s: float, *, is_last: bool) -> bool:
        order = Drain(threading.Event(), is_last)
        self._queue.put(order)
        return order.done.wait(left_s(deadline_s))

    def _run(self) -> None:
        while True:
            work = self._next()
            self._take(work)
            if isinstance(work, Drain):
                work.done.set()
                if work.is_last:
                    return

    def _next(self) -> Sequence[ReadableSpan] | Drain:
        """What is queued; no spans after a pause in which time has to pass."""
        waiting = self._pipeline is not None and self._pipeline.waiting
        try:
            work = self._queue.get(timeout=TICK_S if waiting else None)
        except queue.Empty:
            return ()
        if not isinstance(work, Drain):
            with self._room:
                self._queued -= len(work)
        return work

    def _take(self, work: Sequence[ReadableSpan] | Drain) -> None:
        """Time passes first, so that spans that the line cannot take do not take a finished batch with them.

        A fork waits these few milliseconds: the line's first spans import much.
        """
        frame = self._frame()
        try:
            with held_back():
                pipeline = self._opened()
                self._hand_over(pipeline.tick(*frame))
                self._hand_over(self._feed(pipeline, frame, work))
        except Exception as error:
            logger.debug("spanwand: the line failed", exc_info=True)
            spans = 0 if isinstance(work, Drain) else len(work)
            self._losses.add(DropReason.LINE_FAILED, spans, type(error).__name__)  # its text may hold what the app said

    def _feed(
        self, pipeline: Pipeline, frame: tuple[int, int, int], work: Sequence[ReadableSpan] | Drain
    ) -> Batch | None:
        pipeline.drops.update(self._losses.take())
        if isinstance(work, Drain):
            return pipeline.drain(*frame)
        return pipeline.spans(*frame, self._spans.read(work, pipeline.drops), len(work)) if work else None

    def _hand_over(self, batch: Batch | None) -> None:
        if batch:
            for outbox in self._outboxes:
                outbox.put(batch)

    def _opened(self) -> Pipeline:
        if self._pipeline is None:
            self._pipeline = self._open_pipeline()
            self._spans = ReadableSpans(self._pipeline.keys, self._instance_suffix)
        return self._pipeline

    def _frame(self) -> tuple[int, int, int]:
        """Start, end and arrival in nanoseconds of the next frame."""
        start, self._position = self._position, self._position + 1
        self._arrival_ns = max(self._arrival_ns, time.time_ns())
        return start, self._position, self._arrival_ns
