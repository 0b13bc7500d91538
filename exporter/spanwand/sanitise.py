"""The bytes of an image -> the image as it may leave: smaller, and encoded anew from its pixels alone.

So nothing of the file goes on: no EXIF with a place, no PNG text with a prompt, no second file behind the first. Time
and memory are bounded by the pixels that the header claims, which are looked at before anything is decoded. Of a sound
or a video only what its container says of it goes on.
"""

import hashlib
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from io import BytesIO
from typing import TYPE_CHECKING

from spanwand.config import MediaConfig
from spanwand.drops import DropReason
from spanwand.errors import ConfigError
from spanwand.image_header import ImageHeader, image_header
from spanwand.media import Media, MediaRefused
from spanwand.recording_header import RecordingHeader, recording_header

if TYPE_CHECKING:
    from PIL.Image import Image

_QUALITY = {"thumbnails": 80, "originals": 92}
READERS = ("PngImagePlugin", "JpegImagePlugin", "WebPImagePlugin", "GifImagePlugin")
"""Pillow reads dozens of types; no others are loaded."""
_WHITE = (255, 255, 255)

Sanitise = Callable[[bytes], Media]
"""Raises MediaRefused. May be called by several threads at once."""


def sanitiser(config: MediaConfig) -> Sanitise:
    """Make the function. Raises ConfigError if Pillow is not installed."""
    if find_spec("PIL") is None:
        raise ConfigError(f"media.images: {config.images} needs Pillow: pip install 'spanwand[media]'")
    for reader in READERS:
        import_module(f"PIL.{reader}")

    def sanitise(data: bytes) -> Media:
        if len(data) > config.max_bytes:
            raise MediaRefused(DropReason.MEDIA_TOO_LARGE, f"over {config.max_bytes} bytes")
        recording = recording_header(data)
        if recording is not None:
            return _told_of(data, recording)
        header = _checked(data, config)
        return Media(
            sha256=hashlib.sha256(data).hexdigest(),
            mime_type=header.mime_type,
            width=header.width,
            height=header.height,
            size_bytes=len(data),
            jpeg=_encoded(_pixels(data, header, config), _QUALITY[config.images]),
        )

    return sanitise


def _checked(data: bytes, config: MediaConfig) -> ImageHeader:
    header = image_header(data)
    if header is None:
        raise MediaRefused(DropReason.MEDIA_UNSUPPORTED, "no image, sound or video of a known type")
    if header.width * header.height > config.max_pixels:
        raise MediaRefused(DropReason.MEDIA_TOO_LARGE, f"image over {config.max_pixels} pixels")
    return header


def _told_of(data: bytes, recording: RecordingHeader) -> Media:
    sha256, kind = hashlib.sha256(data).hexdigest(), recording.mime_type
    duration_s = recording.duration_s and round(recording.duration_s, 3)
    return Media(sha256, kind, width=0, height=0, size_bytes=len(data), jpeg=b"", duration_s=duration_s)


def _pixels(data: bytes, header: ImageHeader, config: MediaConfig) -> "Image":
    """The first frame in a new RGB image of at most the configured size; transparency becomes white."""
    library = import_module("PIL.Image")
    try:
        with library.open(BytesIO(data), formats=(header.format,)) as image:
            size = image.size
            shown = _small(image, config)
    except Exception as error:  # noqa: BLE001  # decoders raise what they like on what is no image
        raise MediaRefused(DropReason.MEDIA_UNREADABLE, f"image is damaged ({type(error).__name__})") from None
    if size != (header.width, header.height):
        raise MediaRefused(DropReason.MEDIA_UNREADABLE, "image has two sizes")
    clean: Image = library.new("RGB", shown.size, _WHITE)
    clean.paste(shown, mask=shown if shown.mode == "RGBA" else None)
    return clean


def _small(image: "Image", config: MediaConfig) -> "Image":
    if config.images == "thumbnails":
        image.thumbnail((config.thumbnail_px, config.thumbnail_px))
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _encoded(image: "Image", quality: int) -> bytes:
    encoded = BytesIO()
    image.save(encoded, "JPEG", quality=quality)
    return encoded.getvalue()
