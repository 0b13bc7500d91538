"""`spanwand.v1.Media/Upload`: an image in pieces, for it may be larger than a message."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from google.protobuf.message import DecodeError

from spanwand.v1.media_pb2 import UploadRequest, UploadResponse
from spanwand_sidecar.receive.admission import Hold
from spanwand_sidecar.receive.grpc_answers import Context, refuse
from spanwand_sidecar.receive.media import MediaIntake, Place
from spanwand_sidecar.receive.read_limit import ReadLimit
from spanwand_sidecar.receive.refusal import Refusal, RefusalReason

METHOD = "/spanwand.v1.Media/Upload"


def upload(intake: MediaIntake, limit: ReadLimit) -> Callable[[Any, Context], Coroutine[Any, Any, bytes]]:
    """The handler of a stream of messages."""

    async def handle(_requests: object, context: Context) -> bytes:
        try:
            return await _take(intake, limit, context)
        except Exception as error:  # noqa: BLE001  # a bug costs this request, never the daemon
            refuse(context, intake.intake.refuse(error))
        return b""

    return handle


async def _take(intake: MediaIntake, limit: ReadLimit, context: Context) -> bytes:
    """The answer. Raises Refusal."""
    limits = intake.intake.limits
    with intake.intake.hold() as hold:
        try:
            async with asyncio.timeout(limits.request_timeout_s):
                place, data = await _receive(intake, limit, context, hold)
        except TimeoutError:
            raise Refusal(RefusalReason.OVERLOADED, "the image came too slowly", limits.retry_after_s) from None
        media = await intake(place, data)
    return UploadResponse(sha256=media.sha256).SerializeToString()


async def _receive(intake: MediaIntake, limit: ReadLimit, context: Context, hold: Hold) -> tuple[Place, bytes]:
    first = await _read(limit, context, hold)
    if first is None or not first.HasField("place"):
        raise Refusal(RefusalReason.MALFORMED, "the first message must have the place")
    place = Place(first.place.trace_id, first.place.span_id, first.place.index)
    intake.check(place)
    return place, await _data(intake.config.max_bytes, limit, context, hold)


async def _data(max_bytes: int, limit: ReadLimit, context: Context, hold: Hold) -> bytes:
    data = bytearray()
    while (part := await _read(limit, context, hold)) is not None:
        data += part.data
        if len(data) > max_bytes:
            raise Refusal(RefusalReason.TOO_LARGE, f"image over {max_bytes} bytes")
    return bytes(data)


async def _read(limit: ReadLimit, context: Context, hold: Hold) -> UploadRequest | None:
    """The next message; None behind the last."""
    body: object = await limit(context.read)
    if not isinstance(body, bytes):
        return None
    hold.grow(len(body))
    try:
        return UploadRequest.FromString(body)
    except DecodeError:
        raise Refusal(RefusalReason.MALFORMED, "body is not an UploadRequest") from None
