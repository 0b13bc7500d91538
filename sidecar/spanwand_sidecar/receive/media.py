"""Images that apps upload, over HTTP or gRPC: made safe before they are durable, so that no other byte is ever kept."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import msgspec
from msgspec.structs import replace

from spanwand.drops import DropReason
from spanwand.media import Media, MediaRefused
from spanwand.sanitise import sanitiser
from spanwand.uploads import Upload, pack
from spanwand_sidecar.journal import FrameKind
from spanwand_sidecar.receive.intake import Intake
from spanwand_sidecar.receive.refusal import Refusal, RefusalReason

_TRACE_ID_BYTES, _SPAN_ID_BYTES = 16, 8
_REASONS = {
    DropReason.MEDIA_TOO_LARGE: RefusalReason.TOO_LARGE,
    DropReason.MEDIA_UNSUPPORTED: RefusalReason.UNSUPPORTED_TYPE,
    DropReason.MEDIA_UNREADABLE: RefusalReason.MALFORMED,
}


class Place(msgspec.Struct, frozen=True):
    """Which call an image belongs to, and its place among the images of that call."""

    trace_id: bytes
    span_id: bytes
    index: int = 0


class MediaIntake:
    """One per event loop, on which one image at a time is decoded, aside. Only if images are on."""

    def __init__(self, intake: Intake) -> None:
        """Raises ConfigError if Pillow is not installed."""
        self.intake = intake
        self.config = intake.reception.media
        self._sanitise = sanitiser(self.config)
        self._decoder = ThreadPoolExecutor(1, "media")

    def check(self, place: Place) -> None:
        """Raises Refusal for a place that no call has."""
        ids = (place.trace_id, _TRACE_ID_BYTES), (place.span_id, _SPAN_ID_BYTES)
        if not all(len(value) == size and any(value) for value, size in ids):
            raise Refusal(RefusalReason.MALFORMED, "trace and span id must be 16 and 8 bytes that are not all zero")
        if not 0 <= place.index < self.config.max_per_call:
            raise Refusal(RefusalReason.MALFORMED, f"index must be below {self.config.max_per_call}")

    async def __call__(self, place: Place, data: bytes) -> Media:
        """Take an image; it is durable when this returns. Raises Refusal, which the door counts."""
        self.check(place)
        loop = asyncio.get_running_loop()
        try:
            media = await loop.run_in_executor(self._decoder, self._sanitise, data)
        except MediaRefused as refused:
            raise Refusal(_REASONS[refused.reason], str(refused)) from None
        media = replace(media, index=place.index)
        await self.intake.store(FrameKind.MEDIA, pack(Upload(place.trace_id, place.span_id, media)))
        self.intake.counters.accepted_images += 1
        self.intake.counters.accepted_bytes += len(data)
        return media
