"""What the last process left in the directory, made safe to go on from."""

import os
from contextlib import suppress
from pathlib import Path

import msgspec

from spanwand_sidecar.journal.frame import Frame
from spanwand_sidecar.journal.segment import SEGMENT_HEADER_BYTES, Segment, create, find, scan
from spanwand_sidecar.kill_points import kill_point


class Recovered(msgspec.Struct):
    """The segments, the end of the last frame, where the next segment begins, the last arrival stamp, bytes cut off."""

    segments: list[Segment]
    end: int = 0
    position: int = 0
    last_arrival_ns: int = 0
    truncated_bytes: int = 0


def recover(directory: Path) -> Recovered:
    """Cut off the torn tail of the last segment and make the rest durable. Only that file is read.

    The next segment begins behind the tail, so that no position ever means two things.
    """
    segments = find(directory)
    if not segments:
        return Recovered(segments)
    last, position = segments[-1], segments[-1].end
    descriptor = os.open(last.path, os.O_RDWR | os.O_CLOEXEC)
    try:
        _find_end(descriptor, last)
        if last.end < position:
            kill_point("tail_seen")
            with suppress(OSError):  # no space: the tail stays, unread, until a start that has some
                segments.append(_begin_behind(directory, position, last.last_arrival_ns))
                kill_point("tail_to_cut")
                _cut(descriptor, last)
                kill_point("tail_cut")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return Recovered(segments, last.end, position, last.last_arrival_ns, position - last.end)


def _find_end(descriptor: int, segment: Segment) -> None:
    stop, segment.end = segment.end, segment.base
    for item in scan(descriptor, segment.base, segment.base, stop):
        if isinstance(item, Frame):
            segment.end, segment.last_arrival_ns = item.end, item.arrival_ns


def _begin_behind(directory: Path, position: int, last_arrival_ns: int) -> Segment:
    """An empty segment: once the tail is cut, its name is what remembers the position."""
    descriptor, segment = create(directory, position, last_arrival_ns)
    os.close(descriptor)
    return segment


def _cut(descriptor: int, segment: Segment) -> None:
    segment.size_bytes = SEGMENT_HEADER_BYTES + segment.end - segment.base
    os.ftruncate(descriptor, segment.size_bytes)
