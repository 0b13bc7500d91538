"""An image, sound or video of a model call, as it may leave: no byte of what was sent is in it (`sanitise`)."""

import msgspec

from spanwand.drops import DropReason

NOTE_DIGEST_CHARS = 16
"""Of the digest in a note: more of them would look like a secret."""
MOST_PER_CALL = 16
"""No configuration allows more images of one call."""


class Media(msgspec.Struct, frozen=True):
    """One image, or a sound or video. `sha256` is the digest of what was sent, in hex; the sizes are its too.

    `jpeg` is what is shown: encoded anew from pixels alone, so that it holds no metadata. Sounds and videos are told
    of, but not shown: theirs is empty, as are width and height.
    """

    sha256: str
    mime_type: str
    width: int
    height: int
    size_bytes: int
    jpeg: bytes
    index: int = 0
    """Its place among the media of its call, from 0."""
    duration_s: float | None = None
    """Of a sound or video, if its container says so."""

    @property
    def is_image(self) -> bool:
        """Whether there is something to show."""
        return bool(self.jpeg)

    @property
    def note(self) -> str:
        """What stands in a text where the image was."""
        size = f"{self.width}x{self.height}" if self.is_image else f"{self.size_bytes} bytes"
        return f"[{self.mime_type} {size} sha256:{self.sha256[:NOTE_DIGEST_CHARS]}]"


class MediaRefused(Exception):
    """What was sent cannot be shown. The message names no part of it."""

    def __init__(self, reason: DropReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def uploaded(first: tuple[Media, ...], second: tuple[Media, ...]) -> tuple[Media, ...]:
    """Uploads of one call: the later one of an index holds."""
    by_index = {media.index: media for media in (*first, *second)}
    return tuple([by_index[index] for index in sorted(by_index)])


def joined(own: tuple[Media, ...], uploads: tuple[Media, ...]) -> tuple[Media, ...]:
    """What a call says itself, and what was uploaded for it: the same image once."""
    known = {media.sha256 for media in own}
    return (*own, *(media for media in uploads if media.sha256 not in known))
