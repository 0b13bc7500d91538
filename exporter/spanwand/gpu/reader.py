"""The seam of GPU readers."""

from typing import Protocol

from spanwand.gpu_sample import GpuSample


class GpuUnavailable(Exception):
    """No GPU can be read, for the reason given: a state that passes, or not, and no error of ours.

    `is_absent`: there is none or no driver, so that it is of little use to look again soon.
    """

    def __init__(self, reason: str, *, is_absent: bool = False) -> None:
        super().__init__(reason)
        self.is_absent = is_absent


class GpuReader(Protocol):
    """Reads the devices that this container may see. Opening one, like `read`, may raise GpuUnavailable.

    Called from one thread. After GpuUnavailable, or a sample with `trouble`, it is closed and opened anew.
    """

    def read(self) -> list[GpuSample]:
        """One sample per device, in the order of their indices. May block for as long as the driver does."""
        ...

    def close(self) -> None:
        """Let go of the driver. Safe to call twice."""
        ...
