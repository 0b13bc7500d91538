"""A request body from its pieces: gzip or plain, never more than the limit in memory."""

import zlib
from collections.abc import AsyncIterator

from spanwand_sidecar.receive.refusal import Refusal, RefusalReason

_GZIP_WINDOW_BITS = 31


async def read_body(pieces: AsyncIterator[bytes], encoding: str, max_bytes: int) -> bytes:
    """The inflated body. Raises Refusal as soon as either side of the inflation passes `max_bytes`."""
    if encoding not in ("", "identity", "gzip"):
        raise Refusal(RefusalReason.UNSUPPORTED_TYPE, "Content-Encoding must be gzip or identity")
    raw = await _collect(pieces, max_bytes)
    return inflate(raw, max_bytes) if encoding == "gzip" else raw


def inflate(data: bytes, max_bytes: int) -> bytes:
    """One gzip member, inflated to at most `max_bytes`."""
    inflater = zlib.decompressobj(_GZIP_WINDOW_BITS)
    try:
        body = inflater.decompress(data, max_bytes + 1)
    except zlib.error:
        raise Refusal(RefusalReason.MALFORMED, "body is not gzip") from None
    if len(body) > max_bytes:
        raise _too_large(max_bytes)
    if not inflater.eof or inflater.unused_data:
        raise Refusal(RefusalReason.MALFORMED, "gzip body is cut short or has something behind it")
    return body


async def _collect(pieces: AsyncIterator[bytes], max_bytes: int) -> bytes:
    body = bytearray()
    async for piece in pieces:
        body += piece
        if len(body) > max_bytes:
            raise _too_large(max_bytes)
    return bytes(body)


def _too_large(max_bytes: int) -> Refusal:
    return Refusal(RefusalReason.TOO_LARGE, f"request over {max_bytes} bytes")
