"""The thread that reads the GPUs at an interval, and hands the readings to the journal a few at a time.

Whatever a driver does is a state with a reason, never an exception: no library, none of our GPUs, a restart, a call
that hangs. A driver that cannot be read is opened again, less and less often.
"""

import threading
import time
from collections.abc import Callable

import msgspec

from spanwand.gpu.reader import GpuReader, GpuUnavailable
from spanwand.gpu_sample import GpuSample, encode
from spanwand_sidecar.gpu.aside import Aside, StillRunning
from spanwand_sidecar.journal import JournalError
from spanwand_sidecar.log import LOG, Seldom

HUNG_S = 5.0
"""Time after which a reading that has not come back is said to hang."""
FRAME_S = 1.0
"""Readings of this long go into the journal together while the line waits for something, …"""
RESTING_FRAME_S = 10.0
"""… and of this long while it does not: nobody needs them at once, and an idle disk stays idle."""
MOST_READINGS = 1_000
"""Readings in one frame."""
FIRST_RETRY_S, LAST_RETRY_S = 1.0, 60.0
ABSENT_RETRY_S = 300.0
"""How often it is looked for a GPU where there is none, or none any more."""
STOP_S = 1.0


class GpuStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How reading the GPUs goes. `state`: off, starting, reading, none (no GPU here), unavailable, hung."""

    state: str = "off"
    why: str = ""
    readings: int = 0
    """Rounds in which devices were read."""
    refused: int = 0
    """Readings of one device that the journal did not take."""
    devices: tuple[GpuSample, ...] = ()
    """The last reading of each."""

    @property
    def trouble(self) -> str:
        """What is not as it should be. That there is no GPU is as it may be."""
        return self.why if self.state in ("reading", "unavailable", "hung") else ""


class Ticker:
    """Reads from `start` to `stop`."""

    def __init__(
        self,
        open_reader: Callable[[], GpuReader],
        interval_s: float,
        write: Callable[[bytes], None],
        is_awaited: Callable[[], bool],
    ) -> None:
        """`write` stores the body of a frame, may raise JournalError and does not wait; `is_awaited`: soon, please."""
        self._open = open_reader
        self._interval_s = interval_s
        self._write = write
        self._is_awaited = is_awaited
        self._status = GpuStatus(state="starting")
        self._reader: GpuReader | None = None
        self._retry_s = FIRST_RETRY_S
        self._reopen_s = 0.0
        self._seen: dict[str, str] = {}
        self._pending: list[GpuSample] = []
        self._written_s = float("-inf")  # the first reading goes at once: from it on it matters who is there
        self._seldom = Seldom()
        self._stopping = threading.Event()
        self._aside: Aside[list[GpuSample]] = Aside("gpu-driver")
        self._thread = threading.Thread(target=self._run, name="gpu", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def status(self) -> GpuStatus:
        """How it goes, from any thread."""
        return self._status

    def stop(self) -> None:
        """Write what is left and let go of the driver. One that hangs is left behind after a moment."""
        self._stopping.set()
        self._thread.join(2 * STOP_S)

    def _run(self) -> None:
        due_s = time.monotonic()
        while not self._stopping.wait(max(due_s - time.monotonic(), 0)):
            due_s = max(due_s, time.monotonic() - self._interval_s) + self._tick()
        self._flush()
        if not self._aside.is_busy and self._reader:
            self._ask(self._close, STOP_S)

    def _tick(self) -> float:
        """Read once; returns the seconds until the next time."""
        try:
            samples = self._aside.ask(self._read, HUNG_S)
        except StillRunning:
            self._flush()
            self._say("hung", f"the driver has not answered for {HUNG_S:g} s")
            return 0.0
        except GpuUnavailable as error:
            return self._lost("none" if error.is_absent else "unavailable", str(error), is_absent=error.is_absent)
        except Exception as error:  # noqa: BLE001  a binding that fails in a way of its own is a driver's state too
            return self._lost("unavailable", f"{type(error).__name__}: {error}", is_absent=False)
        self._take(samples)
        self._look_after(samples)
        return self._interval_s

    def _look_after(self, samples: list[GpuSample]) -> None:
        """Open the driver anew now and then if a device is lost, or gone: the others go on being read."""
        lost = [f"GPU {sample.index}: {sample.trouble}" for sample in samples if sample.trouble]
        self._seen |= {sample.uuid: sample.index for sample in samples if not sample.trouble}
        gone = self._seen.keys() - {sample.uuid for sample in samples}
        self._say(
            "reading", "; ".join([*lost, *(f"GPU {self._seen[uuid]}: not there any more" for uuid in sorted(gone))])
        )
        if not lost:
            self._retry_s = FIRST_RETRY_S
        if not lost and not gone:
            self._reopen_s = 0.0
        elif time.monotonic() >= self._reopen_s:
            self._reopen_s = time.monotonic() + (self._back_off() if lost else ABSENT_RETRY_S)
            self._ask(self._close, HUNG_S)

    def _read(self) -> list[GpuSample]:
        if self._reader is None:
            self._reader = self._open()
        return self._reader.read()

    def _close(self) -> list[GpuSample]:
        reader, self._reader = self._reader, None
        if reader:
            reader.close()
        return []

    def _ask(self, call: Callable[[], list[GpuSample]], timeout_s: float) -> None:
        try:
            self._aside.ask(call, timeout_s)
        except StillRunning:
            return
        except Exception as error:  # noqa: BLE001  as above
            self._seldom.warning("close", "GPUs: %s while letting go of the driver", type(error).__name__)

    def _take(self, samples: list[GpuSample]) -> None:
        self._status = msgspec.structs.replace(self._status, readings=self._status.readings + 1, devices=tuple(samples))
        self._pending += samples
        frame_s = FRAME_S if self._is_awaited() else RESTING_FRAME_S
        # Half an interval early, or a frame would wait for the reading after: calls wait two seconds for their share.
        due = time.monotonic() - self._written_s >= frame_s - self._interval_s / 2
        if due or len(self._pending) >= MOST_READINGS:
            self._flush()

    def _flush(self) -> None:
        self._written_s = time.monotonic()
        pending, self._pending = self._pending, []
        if not pending:
            return
        try:
            self._write(encode(pending))
        except JournalError as error:
            refused = self._status.refused + len(pending)
            self._status = msgspec.structs.replace(self._status, refused=refused)
            self._seldom.warning("refused", "GPU readings are not kept: %s", error)

    def _lost(self, state: str, why: str, *, is_absent: bool) -> float:
        self._status = msgspec.structs.replace(self._status, devices=())
        self._say(state, why)
        self._flush()
        self._ask(self._close, HUNG_S)
        return ABSENT_RETRY_S if is_absent else self._back_off()

    def _back_off(self) -> float:
        """Seconds until the driver is opened anew."""
        wait_s, self._retry_s = self._retry_s, min(2 * self._retry_s, LAST_RETRY_S)
        return wait_s

    def _say(self, state: str, why: str) -> None:
        """Note a state, and log it if it is another one."""
        before, self._status = self._status, msgspec.structs.replace(self._status, state=state, why=why)
        if (before.state, before.why) == (state, why):
            return
        if state == "none":
            LOG.info("GPUs: none is read: %s", why)
        elif why:
            LOG.warning("GPUs: %s: %s", state, why)
        else:
            LOG.info("GPUs: reading %s", ", ".join(f"{gpu.index} ({gpu.name})" for gpu in self._status.devices))
