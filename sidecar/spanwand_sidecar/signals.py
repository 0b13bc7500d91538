"""SIGTERM and SIGINT: the first asks to stop, the second stops."""

import os
import signal
import socket
import threading


class StopSignals:
    """Waits for the first signal; a second one ends the process at once with 128 plus its number.

    A thread reads the signals' numbers from the wakeup descriptor. A handler would not do: it runs on the main thread
    only, and one that comes just before that thread blocks is not run until something else wakes it.
    """

    def __init__(self) -> None:
        """Main thread only."""
        self._first = threading.Event()
        self._numbers, self._wakeup = socket.socketpair()
        self._wakeup.settimeout(0)
        signal.set_wakeup_fd(self._wakeup.fileno())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        threading.Thread(target=self._read, name="signals", daemon=True).start()

    def wait(self) -> None:
        """Return at the first signal."""
        self._first.wait()

    def _read(self) -> None:
        self._numbers.recv(1)
        self._first.set()
        os._exit(128 + self._numbers.recv(1)[0])
