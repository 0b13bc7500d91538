"""Messages between the daemon and its engine: four bytes of length, then MessagePack."""

import socket
import time
from struct import Struct

import msgspec

from spanwand_sidecar.names.texts import Found

_LENGTH = Struct(">I")
_MOST_BYTES = 64 << 20


class Asked(msgspec.Struct, frozen=True):
    """Texts to look through, and for how many seconds at most."""

    texts: tuple[str, ...]
    timeout_s: float


class Answer(msgspec.Struct, frozen=True):
    """What was found in each text; or why nothing can be said. The first one says that the engine is ready."""

    found: tuple[tuple[Found, ...], ...] = ()
    error: str = ""


def send(channel: socket.socket, message: msgspec.Struct, finish_by_s: float) -> None:
    """Send within a time of the monotonic clock. Raises OSError, TimeoutError included."""
    body = msgspec.msgpack.encode(message)
    channel.settimeout(_left_s(finish_by_s))
    channel.sendall(_LENGTH.pack(len(body)) + body)


def receive(channel: socket.socket, finish_by_s: float) -> bytes:
    """Likewise; empty if the other end is closed."""
    head = _receive(channel, _LENGTH.size, finish_by_s)
    if not head:
        return b""
    length = _LENGTH.unpack(head)[0]
    if length > _MOST_BYTES:
        raise OSError("too large")
    return _receive(channel, length, finish_by_s)


def _receive(channel: socket.socket, count: int, finish_by_s: float) -> bytes:
    data = bytearray()
    while len(data) < count:
        channel.settimeout(_left_s(finish_by_s))
        piece = channel.recv(count - len(data))
        if not piece:
            return b""
        data += piece
    return bytes(data)


def _left_s(finish_by_s: float) -> float | None:
    if finish_by_s == float("inf"):
        return None
    left_s = finish_by_s - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    return left_s
