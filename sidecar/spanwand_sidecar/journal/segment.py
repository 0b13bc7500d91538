"""One file of the journal: its name, its header, and the frames in it.

The file is named by the journal position of its first frame's first byte. Headers are not counted in positions, so
frames of neighbouring files are contiguous; after a crash there may be a gap, because a position is never used
twice. The header is 64 bytes, little endian:

    "spanwand" | version u8 | seal u8 | 2 reserved | nonce salt 4 | key id 16 | base u64 | arrival_ns u64 |
    12 reserved | CRC32C u32

`arrival_ns` is the stamp of the last frame before this file. `seal` says how bodies are encrypted: 0 not at all,
1 reserved for AES-256-GCM (which `nonce salt` and `key id` are for).
"""

import os
import struct
from collections.abc import Iterator
from pathlib import Path

import msgspec

from spanwand_sidecar.journal.errors import JournalUnusable
from spanwand_sidecar.journal.frame import FRAME_HEADER_BYTES, MARKER, Frame, Header, checksum, parse_header
from spanwand_sidecar.kill_points import kill_point

SEGMENT_HEADER_BYTES = 64
VERSION = 1
SUFFIX = ".journal"
_NEW_SUFFIX = ".new"
_MAGIC = b"spanwand"
_NOT_SEALED = 0
_CHECKED = struct.Struct("<8sBB2x4s16sQQ12x")
_CHECKSUM = struct.Struct("<I")
_CHUNK_BYTES = 256 << 10
_SEARCH_BYTES = 4 << 10


class Segment(msgspec.Struct):
    """A file and the positions it covers; `end` is behind the last durable frame."""

    path: Path
    base: int
    end: int
    size_bytes: int
    last_arrival_ns: int = 0


class Damage(msgspec.Struct, frozen=True):
    """A stretch between two positions that holds no readable frame."""

    start: int
    end: int


def create(directory: Path, base: int, arrival_ns: int) -> tuple[int, Segment]:
    """Make a file that begins at `base`; returns its descriptor for writing. It appears whole or not at all."""
    path = directory / f"{base:020d}{SUFFIX}"
    new = path.with_suffix(_NEW_SUFFIX)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        kill_point("segment_opened")
        write_all(descriptor, _pack(base, arrival_ns))
        os.fsync(descriptor)
        kill_point("segment_written")
        new.replace(path)
        kill_point("segment_named")
        sync_directory(directory)
    except OSError:
        os.close(descriptor)
        new.unlink(missing_ok=True)
        raise
    return descriptor, Segment(path, base, base, SEGMENT_HEADER_BYTES, arrival_ns)


def find(directory: Path) -> list[Segment]:
    """The segments of a directory in order, by their names and sizes; nothing but headers is read."""
    for left_over in directory.glob(f"*{_NEW_SUFFIX}"):
        left_over.unlink()
    return [_open(path) for path in sorted(directory.glob(f"*{SUFFIX}")) if path.stem.isdecimal()]


def scan(descriptor: int, base: int, start: int, stop: int) -> Iterator[Frame | Damage]:
    """The frames from position `start` up to `stop`, in order, and what could not be read between them."""
    view = _View(descriptor, base, stop)
    position = start
    while position < stop:
        header = parse_header(position, view.read(position, FRAME_HEADER_BYTES))
        item = _lost(view, position) if header is None else _frame(view, position, header)
        yield item
        position = item.end


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of it or raise OSError; a part may have been written then."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
        offset = position - self._at
        if offset < 0 or offset + size > len(self._data):
            self._load(position, size)
            offset = 0
        return self._data[offset : offset + size]

    def _load(self, position: int, size: int) -> None:
        length = min(max(size, _CHUNK_BYTES), self.stop - position)
        self._at = position
        self._data = os.pread(self._descriptor, length, position - self._base + SEGMENT_HEADER_BYTES)


def _frame(view: _View, position: int, header: Header) -> Frame | Damage:
    start = position + FRAME_HEADER_BYTES
    end = start + header.length
    body = view.read(start, header.length)
    if len(body) == header.length and checksum(body) == header.body_checksum:
        return Frame(position, end, header.kind, header.arrival_ns, body)
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


def _pack(base: int, arrival_ns: int) -> bytes:
    checked = _CHECKED.pack(_MAGIC, VERSION, _NOT_SEALED, bytes(4), bytes(16), base, arrival_ns)
    return checked + _CHECKSUM.pack(checksum(checked))


def _open(path: Path) -> Segment:
    """A segment by its file. A damaged header is no loss: the name has the position and each frame proves itself."""
    with path.open("rb") as file:
        data = file.read(SEGMENT_HEADER_BYTES)
        size = os.fstat(file.fileno()).st_size
    base = int(path.stem)
    end = base + max(size - SEGMENT_HEADER_BYTES, 0)
    return Segment(path, base, end, size, _last_arrival_ns(path, data))


def _last_arrival_ns(path: Path, header: bytes) -> int:
    if not header.startswith(_MAGIC) or _CHECKSUM.pack(checksum(header[: _CHECKED.size])) != header[_CHECKED.size :]:
        return 0
    _, version, seal, _, _, _, arrival_ns = _CHECKED.unpack_from(header)
    if version > VERSION or seal != _NOT_SEALED:
        raise JournalUnusable(f"{path} was written by a newer version (format {version}, seal {seal})")
    return int(arrival_ns)
