"""How a frame of the journal goes into the line: the same for the daemon and for a replay."""

from typing import Protocol

from spanwand.batch import Batch
from spanwand_sidecar.journal import Frame, FrameKind

DRAIN = b"drain"
"""Body of the COMMAND frame that closes everything that is open."""


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

    def tick(self, start: int, end: int, arrival_ns: int) -> Batch | None:
        """Let time pass."""
        ...

    def drain(self, start: int, end: int, arrival_ns: int) -> Batch | None:
        """Close everything that is open."""
        ...


def let_time_pass(line: Line, frame: Frame) -> Batch | None:
    """First: close the window that the frame's arrival leaves behind."""
    return line.tick(frame.start, frame.end, frame.arrival_ns)


def feed(line: Line, frame: Frame) -> Batch | None:
    """Second: hand over what the frame holds, if it is for the line."""
    if frame.kind is FrameKind.OTLP_TRACES:
        return line.traces(frame.start, frame.end, frame.arrival_ns, frame.body)
    if is_drain(frame):
        return line.drain(frame.start, frame.end, frame.arrival_ns)
    return None


def is_drain(frame: Frame) -> bool:
    """The frame closes everything that is open."""
    return frame.kind is FrameKind.COMMAND and frame.body == DRAIN
