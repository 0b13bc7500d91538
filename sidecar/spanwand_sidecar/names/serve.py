"""The side of the engine: a process that looks through texts, and can neither reach a network nor start a program.

So nothing is ever downloaded, whatever a library does where something is missing, and no text can go anywhere.
"""

import signal
import socket
import sys
from collections.abc import Callable, Sequence

import msgspec

from spanwand.errors import SpanwandError
from spanwand_sidecar.names.channel import Answer, Asked, receive, send
from spanwand_sidecar.names.texts import Found

LOAD_S = 300.0
"""After which a model that hangs while it is loaded is given up, and the process ends; also if nobody waits for it."""
_GRACE_S = 5.0
_FOREVER = float("inf")
_REFUSED = (
    "socket.connect",
    "socket.getaddrinfo",
    "socket.sendto",
    "subprocess.Popen",
    "os.system",
    "os.fork",
    "os.exec",
    "os.posix_spawn",
)
Look = Callable[[str], Sequence[Found]]


def serve(number: int, open_look: Callable[[], Look]) -> None:
    """Answer on a socket that was inherited as this number, until its other end is closed."""
    channel = socket.socket(fileno=number)
    sys.addaudithook(_refuse)
    signal.setitimer(signal.ITIMER_REAL, LOAD_S)  # nobody handles it: the kernel ends what hangs, in C as well
    try:
        look = open_look()
    except Exception as error:  # noqa: BLE001  told there; nothing was said to it yet that could be in its text
        why = str(error) if isinstance(error, SpanwandError) else f"{type(error).__name__}: {error}"
        send(channel, Answer(error=why), _FOREVER)
        return
    signal.setitimer(signal.ITIMER_REAL, 0)
    send(channel, Answer(), _FOREVER)
    while message := receive(channel, _FOREVER):
        send(channel, _answer(look, msgspec.msgpack.decode(message, type=Asked)), _FOREVER)


def _answer(look: Look, asked: Asked) -> Answer:
    signal.setitimer(signal.ITIMER_REAL, asked.timeout_s + _GRACE_S)
    try:
        return Answer(found=tuple(tuple(look(text)) for text in asked.texts))
    except Exception as error:  # noqa: BLE001  its text may be what was said
        return Answer(error=type(error).__name__)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _refuse(event: str, _: object) -> None:
    if event in _REFUSED:
        raise PermissionError(f"{event} is not for an engine that looks for names")
