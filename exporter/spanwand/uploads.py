"""Images that came by themselves, in a frame of their own, made safe before: joined to their call by its ids.

Apps upload them, or the daemon has read a file that the call names (`references`): then a frame may say why there is
no image.
"""

import msgspec

from spanwand.drops import DropReason, Drops
from spanwand.media import Media
from spanwand.operations import Operation
from spanwand.record import Generation, Service

_NO_ONE = Service()

Key = tuple[bytes, bytes, int]
"""Trace id, span id, and place among the images of that call."""


class Upload(msgspec.Struct, frozen=True):
    """One image of one call, or why it is not shown; the body of its frame is its MessagePack."""

    trace_id: bytes
    span_id: bytes
    media: Media | None = None
    refused: DropReason | None = None
    index: int = 0
    """As in the `Reference` that it answers."""


def pack(upload: Upload) -> bytes:
    """The body of a frame."""
    return msgspec.msgpack.encode(upload)


def place_of(body: bytes) -> Key | None:
    """What a frame answers; None if it cannot be read."""
    try:
        upload = msgspec.msgpack.decode(body, type=Upload)
    except msgspec.MsgspecError:
        return None
    return upload.trace_id, upload.span_id, upload.index


class Uploads:
    """Reads the bodies of frames. An upload has the shape of a call in which nothing else is known."""

    def __init__(self, drops: Drops, *, wanted: bool) -> None:
        """Images that came while they were `wanted` may be read when they are not any more."""
        self._drops = drops
        self._wanted = wanted

    def __call__(self, body: bytes) -> Generation | None:
        """What an upload says of its call. Never raises on what `body` holds."""
        try:
            upload = msgspec.msgpack.decode(body, type=Upload)
        except msgspec.MsgspecError:
            self._drops[DropReason.UNDECODABLE] += 1
            return None
        if upload.media is None:
            self._drops[upload.refused or DropReason.MEDIA_UNREADABLE] += 1
            return None
        if not self._wanted:
            self._drops[DropReason.MEDIA_WITHHELD] += 1
            return None
        return Generation(
            trace_id=upload.trace_id,
            span_id=upload.span_id,
            start_ns=0,
            end_ns=0,
            service=_NO_ONE,
            dialect="",
            operation=Operation.OTHER,
            media=(upload.media,),
            attributes={},
            sources={},
        )
