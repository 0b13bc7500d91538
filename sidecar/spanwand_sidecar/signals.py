"""SIGTERM and SIGINT: the first asks to stop, the second stops."""

import os
import signal
import threading
from types import FrameType


class StopSignals:
    """Waits for the first signal; a second one ends the process at once with 128 plus its number."""

    def __init__(self) -> None:
        """Main thread only."""
        self._first = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._handle)

    def wait(self) -> None:
        """Return at the first signal."""
        self._first.wait()

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._first.is_set():
            os._exit(128 + number)
        self._first.set()
