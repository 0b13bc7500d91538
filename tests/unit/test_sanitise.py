"""P6, A5: images leave as pixels alone, and hostile ones cost bounded time and memory."""

import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from spanwand.config import MediaConfig
from spanwand.drops import DropReason
from spanwand.image_header import image_header
from spanwand.media import MediaRefused
from spanwand.sanitise import sanitiser

SANITISE = sanitiser(MediaConfig(images="thumbnails", max_pixels=1_000_000, max_bytes=1 << 20))
PROMPT = "a prompt that names Ada Lovelace"
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
SIZE = (300, 200)


def encoded(format_: str, size: tuple[int, int] = SIZE, mode: str = "RGB", **how: Any) -> bytes:
    file = BytesIO()
    Image.new(mode, size, 120 if mode in ("L", "P") else (10, 120, 200, 60)[: len(mode)]).save(file, format_, **how)
    return file.getvalue()


def refusal(data: bytes, sanitise: Callable[[bytes], object] = SANITISE) -> DropReason:
    with pytest.raises(MediaRefused) as refused:
        sanitise(data)
    return refused.value.reason


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, rows: bytes) -> bytes:
    """A PNG of one bit a pixel that claims what it likes."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("format_", FORMATS)
def test_an_image_becomes_a_small_jpeg(format_: str) -> None:
    data = encoded(format_)
    media = SANITISE(data)
    assert (media.mime_type, media.width, media.height) == (f"image/{format_.lower()}", *SIZE)
    assert media.size_bytes == len(data)
    shown = Image.open(BytesIO(media.jpeg))
    assert (shown.format, shown.mode, shown.size) == ("JPEG", "RGB", (256, 171))
    assert SANITISE(data) == media


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "1", "I;16"])
def test_all_kinds_of_pixels_are_shown(mode: str) -> None:
    file = BytesIO()
    Image.new(mode, (8, 8)).save(file, "PNG")
    assert SANITISE(file.getvalue()).jpeg


def test_transparent_is_white() -> None:
    file = BytesIO()
    Image.new("RGBA", (16, 16), (0, 0, 0, 0)).save(file, "PNG")
    assert Image.open(BytesIO(SANITISE(file.getvalue()).jpeg)).getpixel((8, 8)) == (255, 255, 255)


def test_originals_are_encoded_anew_at_full_size() -> None:
    media = sanitiser(MediaConfig(images="originals"))(encoded("PNG", (700, 500)))
    assert Image.open(BytesIO(media.jpeg)).size == (700, 500)


def with_metadata(format_: str) -> bytes:
    """EXIF with a place, XMP, a colour profile, comments, and PNG text as ComfyUI and A1111 write it."""
    exif = Image.Exif()
    exif[0x010E] = PROMPT
    exif.get_ifd(0x8825)[1] = "N"
    how: dict[str, Any] = {"exif": exif.tobytes(), "icc_profile": PROMPT.encode() * 5}
    if format_ == "PNG":
        info = PngInfo()
        info.add_text("parameters", PROMPT)
        info.add_text("prompt", PROMPT, zip=True)
        info.add_itxt("workflow", PROMPT, zip=True)
        how["pnginfo"] = info
    elif format_ in ("JPEG", "GIF"):
        how["comment"] = PROMPT.encode()
    if format_ in ("WEBP", "JPEG"):
        how["xmp"] = PROMPT.encode()
    return encoded(format_, **how)


@pytest.mark.parametrize("images", ["thumbnails", "originals"])
@pytest.mark.parametrize("format_", FORMATS)
def test_no_metadata_is_left(format_: str, images: Any) -> None:
    """R33: what stays is the JFIF header that Pillow itself writes."""
    sent = with_metadata(format_)
    jpeg = sanitiser(MediaConfig(images=images))(sent).jpeg
    shown = Image.open(BytesIO(jpeg))
    assert shown.info.keys() <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert not shown.getexif()
    assert b"Ada" not in jpeg
    assert not any(jpeg.count(bytes([0xFF, marker])) for marker in (*range(0xE1, 0xF0), 0xFE))


@pytest.mark.parametrize("format_", FORMATS)
def test_what_lies_behind_an_image_stays_behind(format_: str) -> None:
    """A polyglot: an image that is an archive or a page as well."""
    behind = b"PK\x03\x04<script>alert(1)</script>" + PROMPT.encode()
    try:
        jpeg = SANITISE(encoded(format_) + behind).jpeg
    except MediaRefused:
        return
    assert b"script" not in jpeg
    assert b"Ada" not in jpeg


@pytest.mark.parametrize("format_", FORMATS)
def test_a_truncated_image_is_refused(format_: str) -> None:
    whole = with_metadata(format_)
    for end in (1, 8, 20, len(whole) // 2):
        assert refusal(whole[:end]) in (DropReason.MEDIA_UNSUPPORTED, DropReason.MEDIA_UNREADABLE)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7",
        b"BM" + bytes(60),
        b"II*\0" + bytes(60),
        b"RIFF\x24\0\0\0WAVEfmt ",
        encoded("TIFF"),
        encoded("BMP"),
    ],
)
def test_other_types_are_not_read_at_all(data: bytes) -> None:
    assert refusal(data) is DropReason.MEDIA_UNSUPPORTED


def test_too_many_bytes() -> None:
    assert refusal(encoded("PNG") + bytes(1 << 20)) is DropReason.MEDIA_TOO_LARGE


BOMBS = {
    "png": png(100_000, 100_000, bytes(1_000_000)),
    "png of one row": png(2**31 - 1, 1, bytes(1_000)),
    "webp": b"RIFF" + struct.pack("<I", 30) + b"WEBPVP8X" + struct.pack("<II", 10, 0) + b"\xff\x3f\0" * 2 + bytes(8),
    "gif": b"GIF89a" + struct.pack("<HH", 65_535, 65_535) + b"\x80\0\0" + bytes(6) + b",",
    "jpeg": b"\xff\xd8\xff\xc0\0\x11\x08" + struct.pack(">HH", 65_535, 65_535) + bytes(12),
}


@pytest.mark.parametrize("data", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_refused_by_its_header(data: bytes) -> None:
    """R28: nothing is decoded, and Pillow does not even open it."""
    assert refusal(data) is DropReason.MEDIA_TOO_LARGE


def test_a_jpeg_of_countless_scans_is_refused() -> None:
    """Each scan costs a pass over all pixels, for a few bytes."""
    data = encoded("JPEG", progressive=True)
    assert SANITISE(data).jpeg
    scan = data[data.index(b"\xff\xda") : -2]
    assert refusal(data[:-2] + scan * 100 + b"\xff\xd9") is DropReason.MEDIA_UNSUPPORTED


def test_two_sizes_in_one_file_are_refused() -> None:
    """A GIF whose first frame is larger than its screen: readers differ on what it shows."""
    data = bytearray(encoded("GIF", (64, 64)))
    data[6:10] = struct.pack("<HH", 8, 8)
    assert refusal(bytes(data)) is DropReason.MEDIA_UNREADABLE


@pytest.mark.parametrize("format_", FORMATS)
@settings(deadline=None)
@given(width=st.integers(1, 80), height=st.integers(1, 80), mode=st.sampled_from(["RGB", "RGBA", "L"]))
def test_the_header_says_what_pillow_says(format_: str, width: int, height: int, mode: str) -> None:
    mode = "L" if format_ == "JPEG" and mode == "RGBA" else mode
    file = BytesIO()
    Image.new(mode, (width, height)).save(file, format_, lossless=True)
    header = image_header(file.getvalue())
    assert header is not None
    assert (header.format, header.width, header.height) == (format_, width, height)


@settings(deadline=None)
@given(st.sampled_from([with_metadata(format_) for format_ in FORMATS]), st.data())
def test_damage_is_refused_or_shown_but_never_fails(whole: bytes, data: st.DataObject) -> None:
    damaged = bytearray(whole)
    for at in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=8)):
        damaged[at] = data.draw(st.integers(0, 255))
    with suppress(MediaRefused):
        media = SANITISE(bytes(damaged))
        assert media.jpeg[:2] == (b"\xff\xd8" if media.is_image else b"")


def test_a_jpeg_whose_second_byte_makes_it_a_sound_is_told_of_and_none_of_it_leaves() -> None:
    """ADR 0024: what begins like a frame of MP3 is a recording, whatever follows."""
    media = SANITISE(b"\xff\xf2" + with_metadata("JPEG")[2:])
    assert (media.mime_type, media.jpeg) == ("audio/mpeg", b"")
