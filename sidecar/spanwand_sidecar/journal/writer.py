"""The writing end: the one thread that stamps, writes and syncs."""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from spanwand_sidecar.journal.arrival import ArrivalClock
from spanwand_sidecar.journal.errors import JournalError
from spanwand_sidecar.journal.frame import FRAME_HEADER_BYTES, FrameKind, Header, pack_header
from spanwand_sidecar.journal.segment import SEGMENT_HEADER_BYTES, Segment, create, write_all
from spanwand_sidecar.kill_points import kill_point

Answer = Callable[[int | JournalError], None]
"""Told the position behind a frame once it is durable, or why it is not. Called by the writer; must not raise."""


class Entry(msgspec.Struct, frozen=True):
    """A frame to be, and who waits for it."""

    kind: FrameKind
    body: bytes
    checksum: int
    answer: Answer

    @property
    def size(self) -> int:
        """Bytes it takes in the journal."""
        return FRAME_HEADER_BYTES + len(self.body)


class Writer:
    """Appends groups of frames to the newest segment and begins the next one when it is full. Not thread-safe."""

    def __init__(self, directory: Path, segment_bytes: int, position: int, last_arrival_ns: int) -> None:
        self.syncs = 0
        self.sync_s = 0.0
        self._directory = directory
        self._segment_bytes = segment_bytes
        self._position = position
        self._arrival = ArrivalClock(last_arrival_ns)
        self._descriptor = -1
        self._segment: Segment | None = None

    def write(self, group: Sequence[Entry]) -> Segment:
        """Make a group durable; returns its segment, grown. Raises OSError; then `give_up` before the next call."""
        size = sum(entry.size for entry in group)
        segment = self._segment_for(size)
        frames = b"".join(part for entry in group for part in (self._header(entry), entry.body))
        write_all(self._descriptor, frames)
        kill_point("frames_written")
        self._sync()
        kill_point("frames_synced")
        segment.end += size
        segment.size_bytes += size
        segment.last_arrival_ns = self._arrival.last_ns
        return segment

    def give_up(self) -> None:
        """Leave the segment that failed as it was before, as well as the disk lets us, and never write to it again.

        What a failed sync left in the file is unknown, so its positions are not used again either; unless the
        segment is empty, for then the next one takes its name and replaces it whole.
        """
        segment, self._segment = self._segment, None
        if segment is None:
            return
        with suppress(OSError):
            os.ftruncate(self._descriptor, segment.size_bytes)
        if segment.size_bytes == SEGMENT_HEADER_BYTES:
            self._position = segment.base
        self.close()

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _segment_for(self, size: int) -> Segment:
        segment = self._segment
        if segment is None or segment.size_bytes + size > self._segment_bytes:
            self.close()
            self._segment = None
            self._descriptor, segment = create(self._directory, self._position, self._arrival.last_ns)
            self._segment = segment
        return segment

    def _header(self, entry: Entry) -> bytes:
        """Give the frame its place and its time."""
        position, self._position = self._position, self._position + entry.size
        return pack_header(position, Header(entry.kind, len(entry.body), self._arrival(), entry.checksum))

    def _sync(self) -> None:
        began = time.perf_counter()
        os.fdatasync(self._descriptor)
        self.syncs += 1
        self.sync_s += time.perf_counter() - began
