"""Reads W&B's transaction log: the `.wandb` file that every run leaves on disk, online or offline, finished or not.

Seven bytes of header, then blocks of 32 KiB counted from the start of the file. A block holds chunks: CRC-32 of type
and data, length, type, data; a record too long for one chunk is cut into first, middle and last ones. Fewer than
seven bytes at the end of a block are padding (seen in wandb 0.31; LevelDB's log format with another checksum).
"""

import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

from spanwand.errors import NotReadable

HEADER = b":W&B\xe1\xbe\x00"
BLOCK_BYTES = 32 * 1024
PREFIX = struct.Struct("<IHB")


class ChunkType(IntEnum):
    """Which part of a record a chunk holds."""

    FULL = 1
    FIRST = 2
    MIDDLE = 3
    LAST = 4


class Chunk(NamedTuple):
    """One chunk whose checksum is right."""

    type: int
    data: bytes


class TransactionLog:
    """One file, read as it grows: every call of `records` goes on where the last one stopped."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = 0
        """Bytes understood so far."""
        self.damaged_blocks = 0
        """Blocks of which the rest was passed over because a checksum or length was wrong."""
        self._fragments: list[bytes] | None = None

    @property
    def unread_bytes(self) -> int:
        """Bytes at the end that are no whole record yet: a write under way, or a torn one if the writer is gone."""
        fragments = sum(map(len, self._fragments or ()))
        return max(self.path.stat().st_size - self.offset, 0) + fragments

    def records(self) -> Iterator[bytes]:
        """Records appended since the last call, as serialised protobufs. Raises NotReadable, OSError."""
        with self.path.open("rb") as file:
            if self.offset == 0 and not self._header(file.read(len(HEADER))):
                return
            file.seek(self.offset)
            while block := file.read(room := BLOCK_BYTES - self.offset % BLOCK_BYTES):
                yield from self._block(block, is_whole=len(block) == room)
                if len(block) < room:
                    return

    def _header(self, found: bytes) -> bool:
        if not HEADER.startswith(found):
            raise NotReadable(f"{self.path} is not a W&B transaction log")
        self.offset = len(HEADER) if found == HEADER else 0
        return bool(self.offset)

    def _block(self, block: bytes, *, is_whole: bool) -> Iterator[bytes]:
        start, position = self.offset, 0
        while chunk := read_chunk(block, position):
            position += PREFIX.size + len(chunk.data)
            self.offset = start + position
            record = self._assemble(chunk)
            if record is not None:
                yield record
        if is_whole:
            if len(block) - position >= PREFIX.size:
                self.damaged_blocks += 1
                self._fragments = None
            self.offset = start + len(block)

    def _assemble(self, chunk: Chunk) -> bytes | None:
        """The record that `chunk` completes. Chunks whose beginning was lost are passed over."""
        if chunk.type in (ChunkType.FULL, ChunkType.FIRST):
            self._fragments = []
        if self._fragments is None:
            return None
        self._fragments.append(chunk.data)
        if chunk.type not in (ChunkType.FULL, ChunkType.LAST):
            return None
        record, self._fragments = b"".join(self._fragments), None
        return record


def read_chunk(block: bytes, position: int) -> Chunk | None:
    """The chunk at `position`, or None if it is not there as a whole or its checksum is wrong."""
    if len(block) - position < PREFIX.size:
        return None
    checksum, length, kind = PREFIX.unpack_from(block, position)
    data = block[position + PREFIX.size : position + PREFIX.size + length]
    if len(data) < length or zlib.crc32(data, zlib.crc32(bytes((kind,)))) != checksum:
        return None
    return Chunk(kind, data)


def write_log(path: Path, records: Iterable[bytes]) -> None:
    """Write a transaction log that holds `records`. Raises OSError."""
    with path.open("wb") as file:
        room = BLOCK_BYTES - file.write(HEADER)
        for record in records:
            for chunk in _chunks(record, room):
                written = file.write(chunk)
                room = (room - written) % BLOCK_BYTES or BLOCK_BYTES


def fsync(path: Path) -> None:
    """Write a file or folder through to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _chunks(record: bytes, room: int) -> Iterator[bytes]:
    """The chunks of a record, with the padding before one that would not fit; `room` is what the block has left."""
    kind = ChunkType.FULL
    while True:
        if room < PREFIX.size:
            yield bytes(room)
            room = BLOCK_BYTES
        data, record = record[: room - PREFIX.size], record[room - PREFIX.size :]
        if record:
            kind = ChunkType.FIRST if kind == ChunkType.FULL else ChunkType.MIDDLE
        elif kind != ChunkType.FULL:
            kind = ChunkType.LAST
        yield PREFIX.pack(zlib.crc32(data, zlib.crc32(bytes((kind,)))), len(data), kind) + data
        if not record:
            return
        room = BLOCK_BYTES
