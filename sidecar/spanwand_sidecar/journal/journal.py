"""The log of everything the line is told, in order, on disk before anyone hears that it was accepted."""

import os
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Self

from spanwand_sidecar.journal.config import JournalConfig
from spanwand_sidecar.journal.errors import JournalClosed, JournalError, JournalFull, JournalSick, JournalUnusable
from spanwand_sidecar.journal.frame import FRAME_HEADER_BYTES, Frame, FrameKind
from spanwand_sidecar.journal.lock import lock
from spanwand_sidecar.journal.recover import Recovered, recover
from spanwand_sidecar.journal.scan import read, read_header
from spanwand_sidecar.journal.seal import Key
from spanwand_sidecar.journal.segment import Segment, sync_directory
from spanwand_sidecar.journal.space import Space
from spanwand_sidecar.journal.unlock import unlock
from spanwand_sidecar.journal.writer import Answer, Entry, Writer
from spanwand_sidecar.kill_points import kill_point

GROUP_BYTES = 8 << 20
"""Most that one fdatasync covers (or one frame), which bounds the copy made for it."""
PROBE_S = 0.2
"""While the disk refuses, how often it is tried."""
ALWAYS_ADMITTED = frozenset({FrameKind.TICK, FrameKind.COMMAND})
"""Tiny, from the daemon itself, and what closes windows: without them a full journal would never be emptied."""


class Journal:
    """An append-only log of frames in segment files; positions are byte offsets over all of them.

    Any thread appends; one thread of the journal's own writes, stamps and syncs whatever has come together since the
    last sync (group commit). Readers see durable frames only. Plain attributes are for metrics.
    """

    def __init__(
        self, directory: Path, config: JournalConfig, lock_descriptor: int, key: Key | None, recovered: Recovered
    ) -> None:
        self.truncated_bytes = recovered.truncated_bytes
        """Torn bytes cut off at open."""
        self.damaged = recovered.missing
        """Stretches found unreadable or gone, each at least one lost frame."""
        self.sick = ""
        """Why the disk refuses; empty while it does not."""
        self.end = recovered.end
        """Position behind the last durable frame."""
        self.low = recovered.segments[0].base if recovered.segments else 0  # what lies below has been given up
        self.space = Space(directory, config.min_free_bytes)
        self._directory = directory
        self._max_bytes = config.max_bytes
        self._lock_descriptor = lock_descriptor
        self._key = key
        self._segments = recovered.segments
        self._barren: dict[int, int] = {}  # from this position to that there is only damage
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        self._grown = threading.Condition(self._lock)
        self._queue: deque[Entry] = deque()
        self._queued_bytes = 0
        self._closed = False
        self._writer = Writer(directory, config, recovered, key)
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    @classmethod
    def open(cls, directory: Path, config: JournalConfig) -> Self:
        """Open or make the journal in `directory`; reads its last segment only. Raises JournalUnusable."""
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            directory.chmod(0o700)
            descriptor = lock(directory)
            try:
                key, segments = unlock(directory, config)
                return cls(directory, config, descriptor, key, recover(directory, segments))
            except BaseException:
                os.close(descriptor)
                raise
        except OSError as error:
            raise JournalUnusable(f"journal {directory}: {error.strerror or error}") from error

    @property
    def start(self) -> int:
        """Position of the first byte kept."""
        with self._lock:
            return self._segments[0].base if self._segments else self.end

    @property
    def segments(self) -> int:
        """Files."""
        return len(self._segments)

    @property
    def size_bytes(self) -> int:
        """Disk use."""
        with self._lock:
            return sum(segment.size_bytes for segment in self._segments)

    @property
    def syncs(self) -> int:
        """Calls of fdatasync."""
        return self._writer.syncs

    def append(self, kind: FrameKind, body: bytes) -> int:
        """Store a frame; returns the position behind it when it is durable. Raises JournalError."""
        answers: SimpleQueue[int | JournalError] = SimpleQueue()
        self.submit(kind, body, answers.put)
        answer = answers.get()
        if isinstance(answer, JournalError):
            raise answer
        return answer

    def submit(self, kind: FrameKind, body: bytes, answer: Answer) -> None:
        """Queue a frame; `answer` hears when it is durable or has failed. Raises JournalError if refused at once."""
        entry = Entry(kind, body, FRAME_HEADER_BYTES + len(body) + self._writer.seal_bytes, answer)
        with self._lock:
            self._admit(entry)
            self._queue.append(entry)
            self._queued_bytes += entry.size
            self._work.notify()

    def read(self, position: int) -> Iterator[Frame]:
        """The durable frames from `position` to the end as it is now. Passes over damage and counts it."""
        position = self._barren.get(position, position)
        with self._lock:
            end = self.end
            todo = [(segment, segment.end) for segment in self._segments if segment.end > position]
        for segment, stop in todo:
            for item in read(segment, position, stop, self._key):
                if isinstance(item, Frame):
                    yield item
                    position = item.end
                else:
                    self.damaged += 1
        if position < end:
            self._barren[position] = end

    def arrival_ns(self, position: int) -> int | None:
        """When the frame at `position` came; if that cannot be read, the first of a later file. Reads no body."""
        segments = [segment for segment in self._segments if segment.end > position]
        headers = (read_header(segment, max(position, segment.base)) for segment in segments)
        return next((header.arrival_ns for header in headers if header), None)

    def wait(self, position: int, timeout_s: float) -> bool:
        """Wait until there is something to read from `position` on; False if there is not within `timeout_s`."""
        seen = self._barren.get(position, position)
        with self._lock:
            self._grown.wait_for(lambda: self.end > seen or self._closed, timeout_s)
            return self.end > seen

    def release(self, low: int) -> None:
        """Give up what lies below `low`. Whole files are deleted; the last one stays, for it holds the position."""
        with self._lock:
            self.low = max(self.low, low)
            count = sum(segment.end <= low for segment in self._segments[:-1])
            released, self._segments = self._segments[:count], self._segments[count:]
        for segment in released:
            segment.path.unlink(missing_ok=True)
            kill_point("segment_deleted")
        if released:
            sync_directory(self._directory)

    def close(self) -> None:
        """Store what is queued, then let go of the directory. Safe to call twice."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._work.notify_all()
            self._grown.notify_all()
        self._thread.join()
        self._writer.close()
        os.close(self._lock_descriptor)

    def _admit(self, entry: Entry) -> None:
        if self._closed:
            raise JournalClosed("the journal is closed")
        if self.sick:
            raise JournalSick(self.sick)
        if entry.kind in ALWAYS_ADMITTED:
            return
        if self.end - self.low + self._queued_bytes + entry.size > self._max_bytes:
            raise JournalFull(f"the journal is full ({self._max_bytes} bytes)")

    def _run(self) -> None:
        while (group := self._next_group()) is not None:
            try:
                group = self._keep_space(group)
                segment = self._writer.write(group)
            except (OSError, MemoryError) as error:
                self._writer.give_up()
                self._fail(group, f"{type(error).__name__}: {error}")
            else:
                self._publish(segment, group)

    def _keep_space(self, group: list[Entry]) -> list[Entry]:
        """If the disk is nearly full, refuse what a sender can keep, and make it possible to give up what is old."""
        if self.space.fits(sum(entry.size for entry in group)):
            return group
        self._writer.end_segment()
        self.release(self.low)
        refused = [entry for entry in group if entry.kind not in ALWAYS_ADMITTED]
        with self._lock:
            self._queued_bytes -= sum(entry.size for entry in refused)
        for entry in refused:
            entry.answer(JournalFull(str(self.space)))
        return [entry for entry in group if entry.kind in ALWAYS_ADMITTED]

    def _next_group(self) -> list[Entry] | None:
        """What has been queued, up to a group's size; nothing, to probe a sick disk; None at the end."""
        group: list[Entry] = []
        size = 0
        with self._lock:
            while not self._queue:
                if self._closed:
                    return None
                if not self._work.wait(PROBE_S if self.sick else None):
                    return group
            while self._queue and size < GROUP_BYTES:
                group.append(self._queue.popleft())
                size += group[-1].size
        return group

    def _publish(self, segment: Segment, group: list[Entry]) -> None:
        """Let readers see a group that is durable, then tell those who wait for it."""
        position = segment.end - sum(entry.size for entry in group)
        with self._lock:
            self.sick = ""
            if not self._segments or self._segments[-1] is not segment:
                self._segments = [old for old in self._segments if old.base != segment.base] + [segment]
            if group:
                self.end = segment.end
            self._queued_bytes -= sum(entry.size for entry in group)
            self._grown.notify_all()
        for entry in group:
            position += entry.size
            entry.answer(position)

    def _fail(self, group: list[Entry], reason: str) -> None:
        """Refuse all that waits: while the disk is sick nothing is queued."""
        with self._lock:
            self.sick = reason
            group = [*group, *self._queue]
            self._queue.clear()
            self._queued_bytes = 0
        for entry in group:
            entry.answer(JournalSick(reason))
