"""What an image says of itself before anything decodes it: type and size, read from its first bytes.

A decoder may take memory for what a header claims as soon as it opens a file; so we look first. What Pillow sees must
then be the same, or two readers would see different images in one file.
"""

import struct
from collections.abc import Callable, Mapping

import msgspec

_MOST_SCANS = 64
"""Of a JPEG; usual are 1 to 10. Each costs a pass over all pixels, and takes no more than 10 bytes."""
_START_OF_SCAN = b"\xff\xda"
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})


class ImageHeader(msgspec.Struct, frozen=True):
    """Type as Pillow names it and by MIME, size in pixels."""

    format: str
    mime_type: str
    width: int
    height: int


def image_header(data: bytes) -> ImageHeader | None:
    """The header; `None` for what is no image of a type known here, or is not whole enough to tell."""
    for magic, (name, size_of) in _FORMATS.items():
        if data.startswith(magic):
            try:
                width, height = size_of(data)
            except (struct.error, IndexError, ValueError):
                return None
            return ImageHeader(name, f"image/{name.lower()}", width, height) if width and height else None
    return None


def _png(data: bytes) -> tuple[int, int]:
    if data[12:16] != b"IHDR":
        raise ValueError
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _gif(data: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from("<HH", data, 6)
    return width, height


def _jpeg(data: bytes) -> tuple[int, int]:
    if data.count(_START_OF_SCAN) > _MOST_SCANS:
        raise ValueError
    at = 2
    while True:
        at = data.index(b"\xff", at) + 1
        marker = data[at]
        if marker in _START_OF_FRAME:
            height, width = struct.unpack_from(">HH", data, at + 4)
            return width, height
        at += 1
        if marker not in _WITHOUT_LENGTH and marker not in (0x00, 0xFF):
            at += max(struct.unpack_from(">H", data, at)[0], 2)
        elif marker == 0xFF:
            at -= 1


def _webp(data: bytes) -> tuple[int, int]:
    """Of the canvas, if it has one: https://developers.google.com/speed/webp/docs/riff_container."""
    kind = data[12:16]
    if data[8:12] != b"WEBP":
        raise ValueError
    if kind == b"VP8X":
        return _three_bytes(data, 24) + 1, _three_bytes(data, 27) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    raise ValueError


def _three_bytes(data: bytes, at: int) -> int:
    if len(data) < at + 3:
        raise ValueError
    return int.from_bytes(data[at : at + 3], "little")


_FORMATS: Mapping[bytes, tuple[str, Callable[[bytes], tuple[int, int]]]] = {
    b"\x89PNG\r\n\x1a\n": ("PNG", _png),
    b"\xff\xd8\xff": ("JPEG", _jpeg),
    b"RIFF": ("WEBP", _webp),
    b"GIF87a": ("GIF", _gif),
    b"GIF89a": ("GIF", _gif),
}
