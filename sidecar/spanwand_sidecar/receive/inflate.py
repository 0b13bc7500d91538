"""A request body from its pieces: gzip or plain, never more than the limit in memory, every byte of it held."""

import zlib
from collections.abc import AsyncIterator

from spanwand_sidecar.receive.admission import Hold
from spanwand_sidecar.receive.intake import Intake
from spanwand_sidecar.receive.refusal import Refusal, RefusalReason

STEP_BYTES = 1 << 20
"""Inflated at a time: about 5 ms."""
_GZIP_WINDOW_BITS = 31


async def read_body(pieces: AsyncIterator[bytes], encoding: str, intake: Intake, hold: Hold) -> bytes:
    """The inflated body. Raises Refusal as soon as either side of the inflation passes the limit."""
    if encoding not in ("", "identity", "gzip"):
        raise Refusal(RefusalReason.UNSUPPORTED_TYPE, "Content-Encoding must be gzip or identity")
    raw = await _collect(pieces, intake.limits.max_message_bytes, hold)
    return await _inflate(raw, intake, hold) if encoding == "gzip" else raw


async def _collect(pieces: AsyncIterator[bytes], max_bytes: int, hold: Hold) -> bytes:
    body = bytearray()
    async for piece in pieces:
        if len(body) + len(piece) > max_bytes:
            raise _too_large(max_bytes)
        hold.grow(len(piece))
        body += piece
    return bytes(body)


async def _inflate(raw: bytes, intake: Intake, hold: Hold) -> bytes:
    """One gzip member, a step at a time; what is more than a step, on the thread for slow work."""
    inflater = zlib.decompressobj(_GZIP_WINDOW_BITS)
    body = bytearray(_step(inflater, raw))
    hold.grow(len(body))
    while not inflater.eof:
        step = await intake.aside(_step, inflater, inflater.unconsumed_tail)
        if not step:
            break
        hold.grow(len(step))
        body += step
        if len(body) > intake.limits.max_message_bytes:
            raise _too_large(intake.limits.max_message_bytes)
    if not inflater.eof or inflater.unused_data:
        raise Refusal(RefusalReason.MALFORMED, "gzip body is cut short or has something behind it")
    return bytes(body)


def _step(inflater: "zlib._Decompress", data: bytes) -> bytes:
    try:
        return inflater.decompress(data, STEP_BYTES)
    except zlib.error:
        raise Refusal(RefusalReason.MALFORMED, "body is not gzip") from None


def _too_large(max_bytes: int) -> Refusal:
    return Refusal(RefusalReason.TOO_LARGE, f"request over {max_bytes} bytes")
