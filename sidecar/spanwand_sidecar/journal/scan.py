"""Reads the frames of a file and finds its way behind damage."""

import os
from collections.abc import Iterator
from contextlib import suppress
from functools import partial

from spanwand_sidecar.journal.frame import (
    FRAME_HEADER_BYTES,
    MARKER,
    Damage,
    Frame,
    Header,
    Stored,
    checksum,
    parse_header,
)
from spanwand_sidecar.journal.seal import Key, unseal
from spanwand_sidecar.journal.segment import SEGMENT_HEADER_BYTES, Segment

_CHUNK_BYTES = 256 << 10
_SEARCH_BYTES = 4 << 10


def read(segment: Segment, start: int, stop: int, key: Key | None) -> Iterator[Frame | Damage]:
    """The frames of a segment from position `start` up to `stop`, in clear. Raises OSError."""
    return map(partial(in_clear, key), read_stored(segment, start, stop))


def read_stored(segment: Segment, start: int, stop: int) -> Iterator[Stored | Damage]:
    """As `read`, but as they lie on disk."""
    descriptor = os.open(segment.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield from scan(descriptor, segment.base, max(start, segment.base), stop)
    finally:
        os.close(descriptor)


def read_header(segment: Segment, position: int) -> Header | None:
    """The header of the frame at `position`; None if it cannot be read."""
    with suppress(OSError), segment.path.open("rb", buffering=0) as file:
        file.seek(position - segment.base + SEGMENT_HEADER_BYTES)
        return parse_header(position, file.read(FRAME_HEADER_BYTES))
    return None


def scan(descriptor: int, base: int, start: int, stop: int) -> Iterator[Stored | Damage]:
    """The frames from position `start` up to `stop`, in order, and what could not be read between them."""
    view = _View(descriptor, base, stop)
    position = start
    while position < stop:
        header = parse_header(position, view.read(position, FRAME_HEADER_BYTES))
        found = [_lost(view, position) if header is None else _frame(view, position, header)]
        position = found[0].end
        yield found.pop()  # not held here meanwhile, for it may be large


def in_clear(key: Key | None, item: Stored | Damage) -> Frame | Damage:
    """What lies on disk, unsealed."""
    return item if isinstance(item, Damage) else unseal(item, key)


class _View:
    """Reads of one file by position, through one buffer, so that small frames do not cost a call each."""

    def __init__(self, descriptor: int, base: int, stop: int) -> None:
        self._descriptor = descriptor
        self._base = base
        self.stop = stop
        self._at = base
        self._data = b""

    def read(self, position: int, size: int) -> bytes:
        """The bytes at `position`; fewer than `size` at the end."""
        size = min(size, self.stop - position)
        if size > _CHUNK_BYTES:
            return self._pread(position, size)
        offset = position - self._at
        if offset < 0 or offset + size > len(self._data):
            self._load(position)
            offset = 0
        return self._data[offset : offset + size]

    def _load(self, position: int) -> None:
        self._at = position
        self._data = self._pread(position, min(_CHUNK_BYTES, self.stop - position))

    def _pread(self, position: int, size: int) -> bytes:
        return os.pread(self._descriptor, size, position - self._base + SEGMENT_HEADER_BYTES)


def _frame(view: _View, position: int, header: Header) -> Stored | Damage:
    start = position + FRAME_HEADER_BYTES
    end = start + header.length
    body = view.read(start, header.length)
    if len(body) == header.length and checksum(body) == header.body_checksum:
        return Stored(position, end, header, body)
    return Damage(position, min(end, view.stop))


def _lost(view: _View, position: int) -> Damage:
    """Look for the next header behind a damaged one."""
    at = position + 1
    while at < view.stop:
        found = view.read(at, _SEARCH_BYTES).find(MARKER)
        if found < 0:
            at += _SEARCH_BYTES - len(MARKER) + 1
        elif parse_header(at + found, view.read(at + found, FRAME_HEADER_BYTES)) is not None:
            return Damage(position, at + found)
        else:
            at += found + 1
    return Damage(position, view.stop)
