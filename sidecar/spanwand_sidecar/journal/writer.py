"""The writing end: the one thread that stamps, seals, writes and syncs."""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from spanwand_sidecar.journal.arrival import ArrivalClock
from spanwand_sidecar.journal.config import JournalConfig
from spanwand_sidecar.journal.errors import JournalError
from spanwand_sidecar.journal.frame import FrameKind, Header, checksum, pack_header
from spanwand_sidecar.journal.recover import Recovered
from spanwand_sidecar.journal.seal import SEAL_BYTES, Key, Sealer
from spanwand_sidecar.journal.segment import SEGMENT_HEADER_BYTES, Segment, SegmentHeader, create, write_all
from spanwand_sidecar.kill_points import kill_point

Answer = Callable[[int | JournalError], None]
"""Told the position behind a frame once it is durable, or why it is not. Called by the writer; must not raise."""

MOST_FRAMES = 1 << 17
"""Frames after which a segment is full whatever its size: the last one is read at start, 5 µs a frame."""
GATHERED_BYTES = 1 << 20
"""Up to this size a group is copied together, for one call; a larger one would take its memory once more."""
WORTH_ENDING_BYTES = 64 << 10
"""A smaller segment is not ended early: that would free next to nothing."""


class Entry(msgspec.Struct, frozen=True):
    """A frame to be, and who waits for it."""

    kind: FrameKind
    body: bytes
    size: int
    """Bytes it takes in the journal."""
    answer: Answer


class Writer:
    """Appends groups of frames to the newest segment and begins the next one when it is full. Not thread-safe."""

    def __init__(self, directory: Path, config: JournalConfig, recovered: Recovered, key: Key | None) -> None:
        """`key` may be None if the configuration says that nothing is sealed."""
        self.syncs = 0
        self._key = None if config.seal == "none" else key
        self.seal_bytes = SEAL_BYTES if self._key else 0
        """What sealing adds to each body."""
        self._directory = directory
        self._segment_bytes = min(config.segment_bytes, config.max_bytes // 4)
        self._position = recovered.position
        self._previous_end = recovered.previous_end
        self._arrival = ArrivalClock(recovered.last_arrival_ns)
        self._seal: Sealer | None = None
        self._descriptor = -1
        self._segment: Segment | None = None
        self._frames = 0

    def write(self, group: Sequence[Entry]) -> Segment:
        """Make a group durable; returns its segment, grown. Raises OSError; then `give_up` before the next call."""
        size = sum(entry.size for entry in group)
        segment = self._segment_for(size)
        frames = [part for entry in group for part in self._frame(entry)]
        for data in frames if size > GATHERED_BYTES else (b"".join(frames),):
            write_all(self._descriptor, data)
        del frames
        kill_point("frames_written")
        self._sync()
        kill_point("frames_synced")
        segment.end = self._previous_end = segment.end + size
        segment.size_bytes += size
        self._frames += len(group)
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

    def end_segment(self) -> None:
        """Begin a new file with the next group, so that this one can be given up when it is delivered."""
        if self._segment and self._segment.size_bytes >= WORTH_ENDING_BYTES:
            self._segment = None
            self.close()

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _segment_for(self, size: int) -> Segment:
        segment = self._segment
        if segment is None or segment.size_bytes + size > self._segment_bytes or self._frames >= MOST_FRAMES:
            self.close()
            self._segment, self._frames = None, 0
            key_id = self._key.id if self._key else b""
            header = SegmentHeader(self._position, self._arrival.last_ns, self._previous_end, key_id)
            self._descriptor, segment = create(self._directory, header)
            self._segment = segment
            self._seal = Sealer(self._key) if self._key else None
        return segment

    def _frame(self, entry: Entry) -> tuple[bytes, ...]:
        """Give the frame its place and its time; returns its header and the parts of its body."""
        position, self._position = self._position, self._position + entry.size
        arrival_ns, body = self._arrival(), entry.body
        parts = self._seal(position, entry.kind, arrival_ns, body) if self._seal else (body,)
        length = len(body) + self.seal_bytes
        header = Header(entry.kind, length, arrival_ns, checksum(*parts), sealed=self._seal is not None)
        return pack_header(position, header), *parts

    def _sync(self) -> None:
        os.fdatasync(self._descriptor)
        self.syncs += 1
