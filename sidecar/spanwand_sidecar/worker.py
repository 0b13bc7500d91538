"""The line's one thread: reads frames from the journal, feeds them to the pipeline, offers what comes out."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial

from spanwand.batch import Batch
from spanwand_sidecar.feed import DRAIN, Line, forget, is_drain, is_forget, take
from spanwand_sidecar.journal import Frame, FrameKind, Journal, JournalError
from spanwand_sidecar.log import Seldom

PAUSE_S = 1.0
"""Time without a frame after which one is written to let time pass, while the line waits for that."""
REST_S = 600.0
"""Longest sleep while nothing is open; a frame ends it. One is written if spans are still remembered that may go."""
FORGETTING_S = 5.0
"""The same while spans are remembered: a journal that is full of them takes nothing until time has passed."""
REST_BYTES = 1 << 20
"""Journal passed over while nothing is open, behind which that is said even if frames never pause: most logs and
metrics are of no use to the line, and what it does not need must not fill the journal."""
DROPPED = "spanwand/dropped/"
"""Metrics that begin with this count drops; the rest of the name is the reason."""


class Worker:
    """Runs the line from a journal position on, until it has passed the frame that `drain` wrote."""

    def __init__(
        self,
        journal: Journal,
        line: Line,
        offer: Callable[[Batch], None],
        start: int,
        passed: Callable[[Frame], None] | None = None,
    ) -> None:
        """`offer` may block: that is how a slow sink makes the journal grow instead of the memory.

        `passed` is told of each frame that the line has taken.
        """
        self.position = start
        self.failed_frames = 0
        self.last_seq, self.last_end_ns = -1, 0
        """Of the last batch; the batch itself would keep its rows in memory for as long as nothing comes."""
        self.dropped: Counter[str] = Counter()
        """Items that batches say were dropped, by reason, since the start."""
        self.forgot_s = 0.0
        """Unix time at which the line last had to forget, for want of room, what it knows repeats by; 0 if never."""
        self._journal = journal
        self._line = line
        self._offer = offer
        self._passed = passed
        self._rested_at = start
        self._drain_from: int | None = None
        self._drained = False
        self._appending = threading.Lock()
        self._seldom = Seldom()
        self._thread = threading.Thread(target=self._run, name="line", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def waiting(self) -> bool:
        """The line holds something that has not come out as a batch yet."""
        return self._line.waiting

    def drain(self, timeout_s: float) -> bool:
        """Close every trace and window, and stop. False if that took longer than `timeout_s`.

        The order is a frame of the journal, so a replay closes them at the same place. Raises JournalError.
        """
        with self._appending:  # so no tick comes behind it, which would be left for the next start
            self._drain_from = self._journal.end
            self._journal.append(FrameKind.COMMAND, DRAIN)
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._drained:
            try:
                self._read()
                self._wait()
            except OSError as error:
                self._seldom.warning("read", "the journal cannot be read: %s", error)
                time.sleep(PAUSE_S)

    def _read(self) -> None:
        for frame in self._journal.read(self.position):
            self._take(frame)
            self.position = frame.end
            if self._drain_from is not None and frame.start >= self._drain_from and is_drain(frame):
                self._rest()
                self._drained = True
                return
            if self.position - self._rested_at >= REST_BYTES and not self._line.waiting:
                self._rest()

    def _take(self, frame: Frame) -> None:
        for batch in take(self._line, frame, partial(self._failed, frame)):
            self._hand_over(batch)
        if is_forget(frame):
            self.forgot_s = frame.arrival_ns / 1e9
        if self._passed:
            self._passed(frame)

    def _failed(self, frame: Frame) -> None:
        self.failed_frames += 1
        self._seldom.warning("frame", "the line failed on the frame at %d", frame.start, exc_info=True)

    def _hand_over(self, batch: Batch) -> None:
        self.last_seq, self.last_end_ns = batch.seq, batch.end_ns
        for update in batch.updates:
            for name, count in update.points.items():
                if name.startswith(DROPPED):
                    self._count_drops(name.removeprefix(DROPPED), int(count))
        self._offer(batch)

    def _count_drops(self, reason: str, count: int) -> None:
        self.dropped[reason] += count
        self._seldom.warning(f"dropped {reason}", "dropped: %s, %d since the start", reason, self.dropped[reason])

    def _wait(self) -> None:
        """Sleep until a frame comes; in a pause, let time pass if the line waits for it."""
        if self._drained or self._journal.wait(self.position, PAUSE_S):
            return
        if self._line.waiting:
            self._append(FrameKind.TICK, b"")
        else:
            self._rest()
            self._make_room()
            rest_s = FORGETTING_S if self._line.low < self.position else REST_S
            if not self._journal.wait(self.position, rest_s) and self._line.low < self.position:
                self._append(FrameKind.TICK, b"")

    def _make_room(self) -> None:
        """If the disk is short and all that is kept on it is what repeats are known by, give up the older half."""
        low = self._line.low
        if low < self.position and self._journal.low >= low and not self._journal.space.has_room():
            self._append(FrameKind.COMMAND, forget((low + self.position + 1) // 2))

    def _append(self, kind: FrameKind, body: bytes) -> None:
        try:
            with self._appending:
                if self._drain_from is None:
                    self._journal.append(kind, body)
        except JournalError as error:
            self._seldom.warning("tick", "windows stay open: %s", error)
            time.sleep(PAUSE_S)

    def _rest(self) -> None:
        """Nothing is open: say so with a batch of nothing, so that what is not needed of the journal can go."""
        if self.position > self._rested_at:
            self._rested_at = self.position
            self._offer(Batch(seq=self.position, low=self._line.low, start_ns=0, end_ns=0, updates=()))
