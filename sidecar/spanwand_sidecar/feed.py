"""How a frame of the journal goes into the line: the same for the daemon and for a replay."""

import struct
from collections.abc import Callable, Iterator
from typing import Protocol

from spanwand.batch import Batch
from spanwand_sidecar.journal import Frame, FrameKind

DRAIN = b"drain"
"""Body of the COMMAND frame that closes everything that is open."""
_FORGET = struct.Struct("<6sQ")
_FORGET_WORD = b"forget"


class Line(Protocol):
    """What is needed of `spanwand.pipeline.Pipeline`."""

    @property
    def waiting(self) -> bool:
        """Time has to pass for something to come out."""
        ...

    @property
    def low(self) -> int:
        """Frames before this position are not needed any more."""
        ...

    def traces(self, start: int, end: int, arrival_ns: int, body: bytes) -> Batch | None:
        """Take an OTLP trace request."""
        ...

    def logs(self, start: int, end: int, arrival_ns: int, body: bytes) -> Batch | None:
        """Take an OTLP logs request."""
        ...

    def metrics(self, start: int, end: int, arrival_ns: int, body: bytes) -> Batch | None:
        """Take an OTLP metrics request."""
        ...

    def gpus(self, start: int, end: int, arrival_ns: int, body: bytes) -> Batch | None:
        """Take readings of GPUs."""
        ...

    def media(self, start: int, end: int, arrival_ns: int, body: bytes) -> Batch | None:
        """Take an uploaded image."""
        ...

    def tick(self, start: int, end: int, arrival_ns: int) -> Batch | None:
        """Let time pass."""
        ...

    def drain(self, start: int, end: int, arrival_ns: int) -> Batch | None:
        """Close everything that is open."""
        ...

    def forget(self, start: int, end: int, arrival_ns: int, before: int) -> Batch | None:
        """Know no repeats of what came before a position any more."""
        ...


def take(line: Line, frame: Frame, on_failure: Callable[[], None]) -> Iterator[Batch]:
    """What comes out for a frame. If the line raises, which is a bug, `on_failure` is called and the rest goes on.

    Time passes first, so that neither a frame that the line cannot take takes a finished batch with it, nor a window
    that it cannot close the frame behind it.
    """
    for step in (_let_time_pass, _feed):
        try:
            batch = step(line, frame)
        except Exception:  # noqa: BLE001  # a bug in the line costs this step, never the daemon
            on_failure()
            continue
        if batch:
            yield batch


def forget(before: int) -> bytes:
    """Body of the COMMAND frame that makes the line know no repeats of what came before a position any more."""
    return _FORGET.pack(_FORGET_WORD, before)


def _let_time_pass(line: Line, frame: Frame) -> Batch | None:
    return line.tick(frame.start, frame.end, frame.arrival_ns)


def _feed(line: Line, frame: Frame) -> Batch | None:
    takers = {
        FrameKind.OTLP_TRACES: line.traces,
        FrameKind.OTLP_LOGS: line.logs,
        FrameKind.OTLP_METRICS: line.metrics,
        FrameKind.GPU_SAMPLES: line.gpus,
        FrameKind.MEDIA: line.media,
    }
    taker = takers.get(frame.kind)
    if taker:
        return taker(frame.start, frame.end, frame.arrival_ns, frame.body)
    if is_drain(frame):
        return line.drain(frame.start, frame.end, frame.arrival_ns)
    if is_forget(frame):
        return line.forget(frame.start, frame.end, frame.arrival_ns, _FORGET.unpack(frame.body)[1])
    return None


def is_drain(frame: Frame) -> bool:
    """The frame closes everything that is open."""
    return frame.kind is FrameKind.COMMAND and frame.body == DRAIN


def is_forget(frame: Frame) -> bool:
    """The frame makes room."""
    body = frame.body
    return frame.kind is FrameKind.COMMAND and len(body) == _FORGET.size and body.startswith(_FORGET_WORD)
