"""Images that came by themselves: made safe at the door, in a frame of their own, joined to their call by its ids."""

import msgspec

from spanwand.drops import DropReason, Drops
from spanwand.media import Media
from spanwand.operations import Operation
from spanwand.record import Generation, Service

_NO_ONE = Service()


class Upload(msgspec.Struct, frozen=True):
    """One image of one call; the body of its frame is its MessagePack."""

    trace_id: bytes
    span_id: bytes
    media: Media


def pack(upload: Upload) -> bytes:
    """The body of a frame."""
    return msgspec.msgpack.encode(upload)


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
