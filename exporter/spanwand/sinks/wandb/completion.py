"""Behind the sink: completes runs that were interrupted, verifies those that ended, and clears away what is proven.

A thread that waits, and a program of low priority (`complete`) that does the work, one at a time. Neither holds up the
sink or the end of the process: a kill in the middle costs nothing, the next try goes on from what W&B has.
"""

import contextlib
import logging
import os
import random
import signal
import subprocess
import threading
from collections.abc import Collection, Iterator
from pathlib import Path

import msgspec

from spanwand.config import WandbConfig
from spanwand.sinks.wandb.complete import Verdict, command
from spanwand.sinks.wandb.ledger import Ledger, RunDescription
from spanwand.sinks.wandb.purge import offline_bytes, purge
from spanwand.sinks.wandb.refusals import Refusals
from spanwand.sinks.wandb.verdicts import record

FIRST_PAUSE_S = 5.0
MAX_PAUSE_S = 3_600.0
ROUND_S = 300.0
"""Pause when nothing waits for completion; what is old enough is cleared away."""
PROGRAM_TIMEOUT_S = 3_600.0
OFFLINE_WARNING_BYTES = 1 << 30

logger = logging.getLogger(__name__)


class Completion:
    """Looks after the runs of a directory that nobody writes to any more. `mode` as `WandbSink.mode`."""

    def __init__(self, directory: Path, ledger: Ledger, config: WandbConfig, mode: str, refusals: Refusals) -> None:
        self._directory = directory
        self._ledger = ledger
        self._config = config
        self._refusals = refusals
        self._is_online = mode == "online"
        self._program: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._failures = 0
        self.notes: tuple[str, ...] = ()
        """What a person should know, for `spanwand status`."""

    def start(self) -> None:
        """Begin, unless begun."""
        if not self._thread:
            self._thread = threading.Thread(target=self._run, name="spanwand-wandb-completion", daemon=True)
            self._thread.start()

    def wake(self) -> None:
        """A run has ended."""
        self._wake.set()

    def stop(self) -> None:
        """End at once, whatever is under way."""
        with self._lock:
            self._stopped.set()
            self._kill()
        self._wake.set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                waiting = self._round()
            except Exception:  # the directory is full, or gone: the sink says so, and this goes on
                logger.warning("runs could not be completed or cleared away", exc_info=True)
                waiting = True
            self._failures = self._failures + 1 if waiting else 0
            self._pause()

    def _pause(self) -> None:
        if not self._failures:
            self._wake.wait(ROUND_S)
        else:
            ceiling_s = min(FIRST_PAUSE_S * 2 ** min(self._failures, 20), MAX_PAUSE_S)
            self._stopped.wait(random.uniform(ceiling_s / 2, ceiling_s))  # noqa: S311  # jitter is no secret
        self._wake.clear()

    def _round(self) -> bool:
        """Do what can be done. Returns whether runs are left."""
        runs = [run for run in self._ledger.closed() if run.mode == "online" and run.upload != "verified"]
        self.notes = tuple(self._told(len(runs), ""))
        verdicts = list(self._complete(runs)) if runs and self._is_online else []
        verified = {verdict.run_id for verdict in verdicts if verdict.is_verified}
        purge(self._directory, self._ledger, self._config.keep_s)
        left = len(runs) - len(verified)
        self.notes = tuple(self._told(left, next((v.why for v in verdicts if not v.is_verified), "")))
        return bool(left)

    def _told(self, left: int, why: str) -> Iterator[str]:
        if left:
            yield f"{left} W&B runs wait to be completed{why and ': '}{why}"
        if (size := offline_bytes(self._directory, self._ledger)) >= OFFLINE_WARNING_BYTES:
            yield f"offline W&B runs take {size >> 20} MiB: upload them with `spanwand sync`, or delete them"

    def _complete(self, runs: Collection[RunDescription]) -> Iterator[Verdict]:
        for verdict in self._verdicts([run.run_id for run in runs]):
            record(verdict, self._ledger, self._refusals)
            if not verdict.is_verified:
                logger.warning("W&B run %s is not complete: %s", verdict.run_id, verdict.why)
            elif verdict.why:
                logger.warning("W&B run %s is as complete as it will be: %s", verdict.run_id, verdict.why)
            yield verdict

    def _verdicts(self, run_ids: Collection[str]) -> Iterator[Verdict]:
        program = self._start(run_ids)
        if program is None or program.stdout is None:
            return
        timer = threading.Timer(PROGRAM_TIMEOUT_S, self._kill)
        timer.daemon = True
        timer.start()
        try:
            for line in program.stdout:
                yield msgspec.json.decode(line, type=Verdict)
        finally:
            timer.cancel()
            with self._lock:
                self._kill()
            for pipe in (program.stdin, program.stdout):
                if pipe:
                    pipe.close()

    def _start(self, run_ids: Collection[str]) -> "subprocess.Popen[bytes] | None":
        with self._lock:
            if self._stopped.is_set():
                return None
            self._program = subprocess.Popen(  # noqa: S603  # our own arguments
                command(self._directory, self._config, run_ids),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            return self._program

    def _kill(self) -> None:
        """End the program with all that it started, if it runs."""
        program, self._program = self._program, None
        if program:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(program.pid, signal.SIGKILL)
            program.wait()
