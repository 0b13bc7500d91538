"""What the last process left in the directory, made safe to go on from."""

import os
from contextlib import suppress
from pathlib import Path

import msgspec

from spanwand_sidecar.journal.frame import Stored
from spanwand_sidecar.journal.scan import scan
from spanwand_sidecar.journal.segment import (
    NEW_SUFFIX,
    SEGMENT_HEADER_BYTES,
    Segment,
    SegmentHeader,
    create,
    missing,
)
from spanwand_sidecar.kill_points import kill_point


class Recovered(msgspec.Struct):
    """Where to go on.

    The segments, the end of the last frame, where the next segment begins and behind which frame, the last arrival
    stamp, bytes cut off, and stretches of which the file is gone.
    """

    segments: list[Segment]
    end: int = 0
    position: int = 0
    previous_end: int = 0
    last_arrival_ns: int = 0
    truncated_bytes: int = 0
    missing: int = 0


def recover(directory: Path, segments: list[Segment]) -> Recovered:
    """Cut off the torn tail of the last segment and make the rest durable. Only that file is read.

    The next segment begins behind the tail, so that no position ever means two things.
    """
    for left_over in directory.glob(f"*{NEW_SUFFIX}"):
        left_over.unlink()
    if not segments:
        return Recovered(segments)
    gone = len(missing(segments))
    last, position = segments[-1], segments[-1].end
    descriptor = os.open(last.path, os.O_RDWR | os.O_CLOEXEC)
    try:
        _find_end(descriptor, last)
        if last.end < position:
            kill_point("tail_seen")
            with suppress(OSError):  # no space: the tail stays, unread, until a start that has some
                segments.append(_begin_behind(directory, position, last))
                kill_point("tail_to_cut")
                _cut(descriptor, last)
                kill_point("tail_cut")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return Recovered(segments, last.end, position, _previous_end(last), last.last_arrival_ns, position - last.end, gone)


def _find_end(descriptor: int, segment: Segment) -> None:
    stop, segment.end = segment.end, segment.base
    for item in scan(descriptor, segment.base, segment.base, stop):
        if isinstance(item, Stored):
            segment.end, segment.last_arrival_ns = item.end, item.header.arrival_ns


def _begin_behind(directory: Path, position: int, last: Segment) -> Segment:
    """An empty segment, not sealed: once the tail is cut, its name is what remembers the position."""
    descriptor, segment = create(directory, SegmentHeader(position, last.last_arrival_ns, _previous_end(last)))
    os.close(descriptor)
    return segment


def _previous_end(last: Segment) -> int:
    """The end of the last frame before the next segment; 0 if not known."""
    if last.end > last.base:
        return last.end
    return last.header.previous_end if last.header else 0


def _cut(descriptor: int, segment: Segment) -> None:
    segment.size_bytes = SEGMENT_HEADER_BYTES + segment.end - segment.base
    os.ftruncate(descriptor, segment.size_bytes)
