"""What a sound or a video says of itself in its container: type and length. Nothing is decoded.

Told by its first bytes, not by what the sender says. Of a damaged one the length is not known, or it is none at all.
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

import msgspec

_MOST_PARTS = 1_000
"""Of a container that are looked at: an empty one takes eight bytes."""
_OPUS_RATE = 48_000
_STILL = frozenset({b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1"})
"""Brands of pictures in the container of MP4."""


class RecordingHeader(msgspec.Struct, frozen=True):
    """MIME type, and length in seconds if the container says it."""

    mime_type: str
    duration_s: float | None = None


def recording_header(data: bytes) -> RecordingHeader | None:
    """The header; None for what is no sound or video of a type known here."""
    for (start, magic), read in _FORMATS.items():
        if data.startswith(magic, start):
            try:
                return read(data)
            except (struct.error, IndexError, ValueError, ZeroDivisionError):
                return None
    return None


def _wav(data: bytes) -> RecordingHeader | None:
    if data[8:12] != b"WAVE":
        return None
    chunks = dict(islice(_chunks(data), _MOST_PARTS))
    (bytes_per_s,) = struct.unpack_from("<I", data, chunks[b"fmt "][0] + 8) if b"fmt " in chunks else (0,)
    return RecordingHeader("audio/wav", chunks[b"data"][1] / bytes_per_s) if b"data" in chunks else None


def _chunks(data: bytes) -> Iterator[tuple[bytes, tuple[int, int]]]:
    """Name of each chunk of RIFF, where its content begins, and how much of that is there."""
    at = 12
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        yield name, (at + 8, min(size, len(data) - at - 8))
        at += 8 + size + size % 2


def _flac(data: bytes) -> RecordingHeader:
    """From the first metadata block: https://www.rfc-editor.org/rfc/rfc9639#section-8.2."""
    packed = int.from_bytes(data[18:26], "big")
    rate, samples = packed >> 44, packed & (1 << 36) - 1
    return RecordingHeader("audio/flac", samples / rate if samples and len(data) >= 26 else None)


def _mp3(_: bytes) -> RecordingHeader:
    return RecordingHeader("audio/mpeg")


def _ogg(data: bytes) -> RecordingHeader:
    """The last page says how many samples have passed: https://www.rfc-editor.org/rfc/rfc3533#section-6."""
    codec = data[28:36]
    if codec.startswith(b"\x80theora"):
        return RecordingHeader("video/ogg")
    rate = _OPUS_RATE if codec == b"OpusHead" else 0
    if codec.startswith(b"\x01vorbis"):
        (rate,) = struct.unpack_from("<I", data, 40)
    (samples,) = struct.unpack_from("<q", data, data.rindex(b"OggS") + 6)
    return RecordingHeader("audio/ogg", samples / rate if rate and samples >= 0 else None)


def _mp4(data: bytes) -> RecordingHeader | None:
    brand = data[8:12]
    if brand in _STILL:
        return None
    kind = "audio/mp4" if brand in (b"M4A ", b"M4B ") else "video/mp4"
    movie = dict(islice(_boxes(data, 0, len(data)), _MOST_PARTS)).get(b"moov")
    header = dict(islice(_boxes(data, *movie), _MOST_PARTS)).get(b"mvhd") if movie else None
    return RecordingHeader(kind, _movie_s(data, header[0]) if header else None)


def _boxes(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, tuple[int, int]]]:
    """Name of each box of MP4, and where its content begins and ends."""
    while at + 8 <= end:
        size, name = struct.unpack_from(">I4s", data, at)
        begin = at + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, begin)
            begin += 8
        until = min(at + size, end) if size else end
        if until < begin:
            return
        yield name, (begin, until)
        at = until


def _movie_s(data: bytes, at: int) -> float | None:
    version = data[at]
    per_s, duration = struct.unpack_from(">IQ", data, at + 20) if version else struct.unpack_from(">II", data, at + 12)
    return duration / per_s if duration else None


def _webm(data: bytes) -> RecordingHeader | None:
    return RecordingHeader("video/webm") if b"webm" in data[:64] else None


_FORMATS: Mapping[tuple[int, bytes], Callable[[bytes], RecordingHeader | None]] = {
    (0, b"RIFF"): _wav,
    (0, b"fLaC"): _flac,
    (0, b"ID3"): _mp3,
    (0, b"\xff\xfb"): _mp3,
    (0, b"\xff\xf3"): _mp3,
    (0, b"\xff\xf2"): _mp3,
    (0, b"OggS"): _ogg,
    (4, b"ftyp"): _mp4,
    (0, b"\x1a\x45\xdf\xa3"): _webm,
}
