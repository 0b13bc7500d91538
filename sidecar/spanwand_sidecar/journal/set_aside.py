"""A new beginning behind a journal that cannot be opened any more. Its files stay, in a directory that nobody reads."""

import logging
import os
from pathlib import Path

from spanwand_sidecar.journal.frame import Stored
from spanwand_sidecar.journal.scan import read_stored
from spanwand_sidecar.journal.segment import Segment, SegmentHeader, create, sync_directory

LOG = logging.getLogger("spanwand")


def set_aside(directory: Path, segments: list[Segment], locked: list[Segment]) -> list[Segment]:
    """Move the `locked` ones away; returns the segments that are left.

    The last of these begins where the old ones end, so that positions and arrival stamps go on and no sink takes a
    new batch for one it has. It is there before anything is moved: a crash in between is put right by the next start.
    """
    last = segments[-1]
    place = directory / f"set-aside-{last.end:020d}"
    kept = [segment for segment in segments if segment not in locked]
    if last in locked:
        kept.append(_begin_behind(directory, last))
    place.mkdir(mode=0o700, exist_ok=True)
    for segment in locked:
        if segment.path != kept[-1].path:  # it was empty, and the new one has taken its name
            segment.path.rename(place / segment.path.name)
    sync_directory(place)
    sync_directory(directory)
    LOG.warning(
        "the key of %d journal files (%d bytes) is gone: they were moved, unread, to %s and are not delivered",
        len(locked), sum(segment.size_bytes for segment in locked), place,
    )  # fmt: skip
    return kept


def _begin_behind(directory: Path, last: Segment) -> Segment:
    """An empty segment. What lies on disk sealed still says when each frame arrived."""
    frames = (item for item in read_stored(last, last.base, last.end) if isinstance(item, Stored))
    arrival_ns = max((frame.header.arrival_ns for frame in frames), default=last.last_arrival_ns)
    descriptor, segment = create(directory, SegmentHeader(last.end, arrival_ns))
    os.close(descriptor)
    return segment
