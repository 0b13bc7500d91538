"""The open runs of a sink: opened, proven, rotated, given up when wandb-core dies, finished."""

import contextlib
import logging
import time
from collections.abc import Callable, Collection, Iterable
from functools import partial
from pathlib import Path

from spanwand.batch import Batch, RunKey, RunUpdate
from spanwand.config import WandbConfig
from spanwand.errors import NotReadable
from spanwand.sinks.wandb import core
from spanwand.sinks.wandb.ledger import Ledger, RunDescription
from spanwand.sinks.wandb.run import OpenRun
from spanwand.sinks.wandb.settings import Common

MAX_LOG_BYTES = 256 * 1024 * 1024
"""A run whose transaction log is larger is followed by a new one."""
TAKE_DOWN_S = 5.0
END_WAIT_S = 1.0
POLL_S = 0.02
FIRST_PATIENCE_S = 60.0
MAX_PATIENCE_S = 3_600.0
"""A run whose upload W&B has ended at once is followed by another after so long, at first and at most."""

logger = logging.getLogger(__name__)


class OpenRuns:
    """At most one open run per run key."""

    def __init__(self, common: Common, directory: Path, ledger: Ledger, on_end: Callable[[], object]) -> None:
        """`on_end` is called when a run has ended, however it did."""
        self._common = common
        self._directory = directory
        self._ledger = ledger
        self._on_end = on_end
        self._open: dict[RunKey, OpenRun] = {}
        self._patience_s: dict[RunKey, float] = {}

    def run_for(self, update: RunUpdate, batch: Batch) -> OpenRun:
        """The open run for an update, started if there is none. Raises whatever wandb raises."""
        run = self._open.get(update.run)
        if run is None:
            run = self._open[update.run] = OpenRun(self._common, update, batch)
            self._ledger.describe(self._description(run))
        run.written_ns = batch.start_ns
        return run

    @property
    def is_any_open(self) -> bool:
        """Whether W&B has taken a run."""
        return bool(self._open)

    def pending(self) -> list[OpenRun]:
        """Runs with something logged that is not proven."""
        return [run for run in self._open.values() if run.pending]

    def await_logs(self, deadline: float) -> list[OpenRun]:
        """Wait until all that is pending is on disk. Returns the runs of which it is not.

        `deadline` is `time.monotonic()`. Ends early if wandb-core has died. Raises OSError.
        """
        waiting = [run for run in self.pending() if not run.prove()]
        while waiting and time.monotonic() < deadline and core.is_alive():
            time.sleep(POLL_S)
            waiting = [run for run in waiting if not run.prove()]
        return waiting

    def settle(self, run: OpenRun, part: str) -> None:
        """A pending part is proven."""
        self._ledger.note(run.key, part, run.settled(part))

    def rotate(self, now_ns: int, config: WandbConfig) -> None:
        """Finish the runs that are idle or too old at `now_ns`, too large, or no longer uploaded."""
        stopped = [run for run in self._open.values() if run.upload_stopped.is_set() and self._may_follow(run, now_ns)]
        for run in stopped:
            logger.warning("W&B ended the upload of run %s; it is complete on disk, and a new run follows", run.id)
        grown = [
            run
            for run in self._open.values()
            if run not in stopped
            and not run.pending
            and (is_due(run, now_ns, config) or run.evidence.log_bytes >= MAX_LOG_BYTES)
        ]
        self.finish([*stopped, *grown], config.finish_timeout_s)

    def _may_follow(self, run: OpenRun, now_ns: int) -> bool:
        """Whether another run may follow one whose upload has ended: not at once if that happens again and again.

        It waits well in the old one, whose log is complete.
        """
        age_s, patience_s = (now_ns - run.opened_ns) / 1e9, self._patience_s.get(run.key, 0.0)
        if age_s < patience_s:
            return False
        is_again = patience_s and age_s < 2 * patience_s
        self._patience_s[run.key] = min(2 * patience_s, MAX_PATIENCE_S) if is_again else FIRST_PATIENCE_S
        return True

    def finish(self, runs: Collection[OpenRun], timeout_s: float) -> None:
        """End runs, all at once, and keep what their logs prove."""
        if not runs:
            return
        finished: set[str] = set()
        core.run_all([partial(_finish, run, finished) for run in runs], timeout_s)
        self._await_ends(runs)
        for run in runs:
            is_claimed = run.id in finished and self._common.server.mode == "online" and not run.upload_stopped.is_set()
            self._close(run, "claimed" if is_claimed else "unfinished")

    def finish_all(self, timeout_s: float) -> None:
        """End all runs."""
        self.finish(list(self._open.values()), timeout_s)

    def give_up(self) -> None:
        """wandb-core has died, and every run with it: keep what their logs prove, and make a new start possible."""
        core.take_down(TAKE_DOWN_S)
        for run in list(self._open.values()):
            self._close(run, "unfinished")

    def forget(self) -> None:
        """In a forked child: the runs are the parent's."""
        self._open.clear()

    def _await_ends(self, runs: Iterable[OpenRun]) -> None:
        """`finish` returns before the log is complete: wait for the exit records, the last to be written."""
        deadline = time.monotonic() + END_WAIT_S
        waiting = list(runs)
        while waiting and time.monotonic() < deadline and core.is_alive():
            with contextlib.suppress(OSError, NotReadable):
                waiting = [run for run in waiting if not run.evidence.has_ended()]
            time.sleep(POLL_S)

    def _close(self, run: OpenRun, upload: str) -> None:
        del self._open[run.key]
        try:
            run.evidence.conclude()
            self._ledger.describe(self._description(run, upload))
        except (OSError, NotReadable) as error:
            logger.warning("run %s is not closed in order: %s", run.id, error)
        for part, position in run.evidence.parts.items():
            self._ledger.note(run.key, part, position)
        self._on_end()

    def _description(self, run: OpenRun, upload: str = "open") -> RunDescription:
        return RunDescription(
            run=run.key,
            run_id=run.id,
            log=str(run.evidence.path.relative_to(self._directory.absolute())),
            mode=self._common.server.mode,
            upload=upload,
            parts={} if upload == "open" else run.evidence.parts,
        )


def is_due(run: OpenRun, now_ns: int, config: WandbConfig) -> bool:
    """Whether a run is to end because of its age, or because nothing has come for it for some time."""
    return now_ns - run.opened_ns >= config.run_max_age_s * 1e9 or now_ns - run.written_ns >= config.run_idle_s * 1e9


def _finish(run: OpenRun, finished: set[str]) -> None:
    try:
        run.finish()
        finished.add(run.id)
    except Exception as error:  # noqa: BLE001  # TimeoutError, or wandb-core is gone: the log has it all
        logger.warning("run %s is not finished: %s; what is missing at W&B is on disk", run.id, type(error).__name__)
