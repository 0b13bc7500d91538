"""Reads the GPUs from inside an app, for pods whose sidecar cannot see them (docs/gpu.md).

One daemon thread does all of it: a driver that hangs, or a sidecar that is away, holds up nothing of the app, not even
its exit. A forked process has no such thread: its parent goes on reading the same devices.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from spanwand.background import start_thread
from spanwand.gpu.reader import GpuReader, GpuUnavailable
from spanwand.gpu_sample import GpuSample

RETRY_S, ABSENT_RETRY_S = 60.0, 300.0
"""How often a driver that cannot be used is opened again, and how often it is looked for one."""
_log = logging.getLogger(__name__)

Send = Callable[[Sequence[GpuSample]], None]


class AppGpus:
    """Reads and sends from `start` to `stop`."""

    def __init__(
        self, open_reader: Callable[[], GpuReader], open_sender: Callable[[], Send], interval_s: float
    ) -> None:
        """`open_sender` is called with the first reading, when the app has set up its own telemetry."""
        self._open_reader = open_reader
        self._open_sender = open_sender
        self._interval_s = interval_s
        self._reader: GpuReader | None = None
        self._send: Send | None = None
        self._reopen_s = 0.0
        self._said = ""
        self._stopping = threading.Event()

    def start(self) -> None:
        """Begin."""
        start_thread("spanwand-gpus", self._run)

    def stop(self) -> None:
        """Read no more. Does not wait."""
        self._stopping.set()

    def _run(self) -> None:
        due_s = time.monotonic()
        while not self._stopping.wait(max(due_s - time.monotonic(), 0)):
            due_s = max(due_s + self._tick(), time.monotonic())

    def _tick(self) -> float:
        """Read and send once; returns the seconds until the next time."""
        try:
            self._pass_on(self._read())
        except GpuUnavailable as error:
            return self._lost(str(error), ABSENT_RETRY_S if error.is_absent else RETRY_S)
        except Exception as error:  # noqa: BLE001  a binding that fails in a way of its own is a driver's state too
            return self._lost(f"{type(error).__name__}: {error}", RETRY_S)
        return self._interval_s

    def _read(self) -> list[GpuSample]:
        self._reader = self._reader or self._open_reader()
        return self._reader.read()

    def _pass_on(self, samples: Sequence[GpuSample]) -> None:
        """Send what is known. For a device that is lost the driver is opened anew, the others go on being read."""
        troubles = [f"GPU {sample.index}: {sample.trouble}" for sample in samples if sample.trouble]
        if len(troubles) < len(samples):
            self._send = self._send or self._open_sender()
            self._send([sample for sample in samples if not sample.trouble])
        self._say("; ".join(troubles))
        if troubles and time.monotonic() >= self._reopen_s:
            self._reopen_s = time.monotonic() + RETRY_S
            self._close()

    def _lost(self, why: str, wait_s: float) -> float:
        self._close()
        self._say(why)
        return wait_s

    def _close(self) -> None:
        reader, self._reader = self._reader, None
        if reader:
            reader.close()

    def _say(self, trouble: str) -> None:
        if trouble and trouble != self._said:
            _log.warning("GPUs: %s", trouble)
        self._said = trouble
