"""What the last process left in the directory, made safe to go on from."""

import os
from pathlib import Path

import msgspec

from spanwand_sidecar.journal.frame import Frame
from spanwand_sidecar.journal.segment import SEGMENT_HEADER_BYTES, Segment, find, scan


class Recovered(msgspec.Struct, frozen=True):
    """The segments, where the next one begins, the last arrival stamp, and how many torn bytes were cut off."""

    segments: list[Segment]
    position: int
    last_arrival_ns: int
    truncated_bytes: int


def recover(directory: Path) -> Recovered:
    """Cut off the torn tail of the last segment and make the rest durable. Only that file is read.

    The next segment begins behind the cut, so that no position ever means two things.
    """
    segments = find(directory)
    if not segments:
        return Recovered([], 0, 0, 0)
    last = segments[-1]
    position = last.end
    _cut_torn_tail(last)
    return Recovered(segments, position, last.last_arrival_ns, position - last.end)


def _cut_torn_tail(segment: Segment) -> None:
    descriptor = os.open(segment.path, os.O_RDWR | os.O_CLOEXEC)
    try:
        stop, segment.end = segment.end, segment.base
        for item in scan(descriptor, segment.base, segment.base, stop):
            if isinstance(item, Frame):
                segment.end, segment.last_arrival_ns = item.end, item.arrival_ns
        if segment.end < stop:
            segment.size_bytes = SEGMENT_HEADER_BYTES + segment.end - segment.base
            os.ftruncate(descriptor, segment.size_bytes)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
