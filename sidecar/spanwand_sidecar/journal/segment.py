"""One file of the journal: its name and its header. What follows the header is frames (frame.py).

The file is named by the journal position of its first frame's first byte. Headers are not counted in positions, so
frames of neighbouring files are contiguous; after a crash there may be a gap, because a position is never used
twice. The header is 64 bytes, little endian:

    "spanwand" | version u8 | seal u8 | 6 reserved | key id 16 | base u64 | arrival_ns u64 | previous_end u64 |
    4 reserved | CRC32C u32

`arrival_ns` is the stamp of the last frame before this file, `previous_end` the position behind it: a lost file shows
(0 in files of before there was this field). `seal` says how bodies are encrypted: 0 not at all, 1 AES-256-GCM with
the key that `key id` names. Magic, version and checksum stay where they are in any later version.
"""

import os
import re
import struct
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import msgspec

from spanwand_sidecar.journal.errors import JournalUnusable
from spanwand_sidecar.journal.frame import Damage, checksum
from spanwand_sidecar.kill_points import kill_point

SEGMENT_HEADER_BYTES = 64
VERSION = 1
SUFFIX = ".journal"
NEW_SUFFIX = ".new"
_NAME = re.compile(r"[0-9]{20}\.journal")
_MAGIC = b"spanwand"
_NOT_SEALED, _AES_256_GCM = 0, 1
_CHECKED = struct.Struct("<8sBB6x16sQQQ4x")
_CHECKSUM = struct.Struct("<I")


class SegmentHeader(msgspec.Struct, frozen=True):
    """What a segment says of itself. No `key_id`: its bodies are not sealed."""

    base: int
    arrival_ns: int
    previous_end: int = 0
    key_id: bytes = b""


class Segment(msgspec.Struct):
    """A file and the positions it covers; `end` is behind the last durable frame.

    `header` is None if it is damaged. That is no loss: the name has the position and each frame proves itself.
    """

    path: Path
    base: int
    end: int
    size_bytes: int
    last_arrival_ns: int
    header: SegmentHeader | None


def create(directory: Path, header: SegmentHeader) -> tuple[int, Segment]:
    """Make a file; returns its descriptor for writing. It appears whole or not at all."""
    path = directory / f"{header.base:020d}{SUFFIX}"
    new = path.with_suffix(NEW_SUFFIX)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        kill_point("segment_opened")
        write_all(descriptor, _pack(header))
        os.fsync(descriptor)
        kill_point("segment_written")
        new.replace(path)
        kill_point("segment_named")
        sync_directory(directory)
    except OSError:
        os.close(descriptor)
        new.unlink(missing_ok=True)
        raise
    return descriptor, Segment(path, header.base, header.base, SEGMENT_HEADER_BYTES, header.arrival_ns, header)


def find(directory: Path) -> list[Segment]:
    """The segments of a directory in order, by their names and sizes; nothing but headers is read, nothing changed.

    Raises JournalUnusable if one is of a newer version. Other files are left alone.
    """
    segments = []
    for path in sorted(directory.iterdir()):
        if _NAME.fullmatch(path.name):
            with suppress(FileNotFoundError):  # another process, which we only watch, has given it up
                segments.append(_open(path))
    return segments


def missing(segments: list[Segment]) -> list[Damage]:
    """What once lay between the segments and is gone."""
    return [
        Damage(before.end, after.header.previous_end)
        for before, after in pairwise(segments)
        if after.header and after.header.previous_end > before.end
    ]


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


def _open(path: Path) -> Segment:
    with path.open("rb") as file:
        header = _parse(path, file.read(SEGMENT_HEADER_BYTES))
        size = os.fstat(file.fileno()).st_size
    base = int(path.stem)
    end = base + max(size - SEGMENT_HEADER_BYTES, 0)
    return Segment(path, base, end, size, header.arrival_ns if header else 0, header)


def _pack(header: SegmentHeader) -> bytes:
    seal = _AES_256_GCM if header.key_id else _NOT_SEALED
    checked = _CHECKED.pack(_MAGIC, VERSION, seal, header.key_id, header.base, header.arrival_ns, header.previous_end)
    return checked + _CHECKSUM.pack(checksum(checked))


def _parse(path: Path, data: bytes) -> SegmentHeader | None:
    checked = data[: _CHECKED.size]
    if not data.startswith(_MAGIC) or _CHECKSUM.pack(checksum(checked)) != data[_CHECKED.size :]:
        return None
    _, version, seal, key_id, base, arrival_ns, previous_end = _CHECKED.unpack(checked)
    if version > VERSION or seal > _AES_256_GCM:
        raise JournalUnusable(f"{path} was written by a newer version (format {version}, seal {seal})")
    return SegmentHeader(base, arrival_ns, previous_end, key_id if seal == _AES_256_GCM else b"")
