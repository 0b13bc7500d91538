"""One entry of the journal, and its bytes.

A frame is a 24-byte header (little endian) and a body:

    marker u16 | kind u8 | flags u8 | length u32 | arrival_ns u64 | body CRC32C u32 | header CRC32C u32

Two checksums, because they answer two questions. If the header is right but the body is not, the length can be
trusted and exactly this frame is lost. The header's checksum covers the frame's position too (which is not
stored), so neither a stale block nor bytes that a sender made look like a frame can pass for one. Both are of the bytes
on disk: damage is told without a key, and no checksum of what was sealed lies in clear.
"""

import struct
from enum import IntEnum
from functools import reduce

import google_crc32c
import msgspec

FRAME_HEADER_BYTES = 24
MARKER = b"\xf5\x9d"
"""First two bytes of a frame: where to look for the next one behind damage. Neither byte pair is valid UTF-8."""

_CHECKED = struct.Struct("<2sBBIQI")
_CHECKSUM = struct.Struct("<I")
_POSITION = struct.Struct("<Q")
_SEALED = 1
"""The one flag: the body is sealed (see seal.py)."""


class FrameKind(IntEnum):
    """What a frame's body is. The numbers are on disk."""

    OTLP_TRACES = 1
    OTLP_METRICS = 2
    OTLP_LOGS = 3
    GPU_SAMPLES = 4
    COMMAND = 5
    TICK = 6
    MEDIA = 7


_KINDS: dict[int, FrameKind] = {kind.value: kind for kind in FrameKind}


class Frame(msgspec.Struct, frozen=True):
    """One durable entry: journal positions of its first byte and of the byte behind it, arrival in epoch ns."""

    start: int
    end: int
    kind: FrameKind
    arrival_ns: int
    body: bytes


class Header(msgspec.Struct, frozen=True):
    """A frame's header whose checksum was right. Length and checksum are of the body as it lies on disk."""

    kind: FrameKind
    length: int
    arrival_ns: int
    body_checksum: int
    sealed: bool = False


class Stored(msgspec.Struct, frozen=True):
    """A whole frame as it lies on disk: the body may be sealed."""

    start: int
    end: int
    header: Header
    body: bytes


class Damage(msgspec.Struct, frozen=True):
    """A stretch between two positions that holds no readable frame."""

    start: int
    end: int


def checksum(*parts: bytes) -> int:
    """CRC32C of all of them together."""
    value: int = reduce(google_crc32c.extend, parts, 0)
    return value


def pack_header(position: int, header: Header) -> bytes:
    """The 24 bytes in front of a body that begins its life at `position`."""
    flags = _SEALED if header.sealed else 0
    checked = _CHECKED.pack(MARKER, header.kind, flags, header.length, header.arrival_ns, header.body_checksum)
    return checked + _CHECKSUM.pack(checksum(checked + _POSITION.pack(position)))


def parse_header(position: int, data: bytes) -> Header | None:
    """The header in `data`, or None if a frame of a kind known here does not begin at `position`."""
    if len(data) < FRAME_HEADER_BYTES or not data.startswith(MARKER):
        return None
    checked = data[: _CHECKED.size]
    if checksum(checked + _POSITION.pack(position)) != _CHECKSUM.unpack_from(data, _CHECKED.size)[0]:
        return None
    _, kind, flags, length, arrival_ns, body_checksum = _CHECKED.unpack(checked)
    if flags > _SEALED or kind not in _KINDS:
        return None
    return Header(_KINDS[kind], length, arrival_ns, body_checksum, bool(flags))
