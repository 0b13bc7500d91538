"""One try to get one batch in: log what is not in yet, then wait until it is proven."""

import logging
import time

from spanwand.batch import Batch, RunUpdate
from spanwand.sinks.wandb import core
from spanwand.sinks.wandb.evidence import POINTS, Position
from spanwand.sinks.wandb.ledger import Ledger
from spanwand.sinks.wandb.run import OpenRun
from spanwand.sinks.wandb.runs import OpenRuns
from spanwand.sinks.wandb.troubles import RETRY_CRASHED_S, Troubles

SLOW_S = 5.0
"""A Table that took longer to log has met a W&B that does not answer: with that, each takes 10 to 19 s."""

logger = logging.getLogger(__name__)


class Attempt:
    """What one call of `write` does, once wandb-core runs and there is room on the disk."""

    def __init__(self, batch: Batch, runs: OpenRuns, ledger: Ledger, troubles: Troubles) -> None:
        self._batch = batch
        self._position = Position(batch.seq, batch.end_ns / 1e9)
        self._runs = runs
        self._ledger = ledger
        self._troubles = troubles
        self._refused: set[tuple[str, str]] = set()

    def log(self) -> None:
        """Log all points, then all rows: online, a Table can block for long and must not keep points back."""
        for update in self._batch.updates:
            self._log(update, POINTS)
        slow = False
        for update, table in [(each, table) for each in self._batch.updates for table in each.rows]:
            if slow:
                self._troubles.add("W&B is slow to answer; further rows wait")
                return
            begun = time.monotonic()
            self._log(update, table)
            slow = time.monotonic() - begun > SLOW_S

    def prove(self, wait_s: float, finish_timeout_s: float) -> None:
        """Wait for the proof of what is logged. A run whose log does not grow is ended. Raises OSError."""
        deadline = time.monotonic() + wait_s
        unproven = self._runs.await_logs(deadline)
        if unproven and core.is_alive():
            self._troubles.add("W&B's transaction log does not grow: is the disk full or read-only?")
            self._runs.finish(unproven, finish_timeout_s)
        elif unproven:
            self._crashed()
        for run in self._runs.pending():
            for part in list(run.pending):
                self._settle(run, part, deadline)

    def _log(self, update: RunUpdate, part: str) -> None:
        """Log one part unless it is in. A project that refused a run, or rows, is not asked again in this try."""
        what = update.points if part == POINTS else update.rows[part]
        project = (update.run.entity, update.run.project)
        if not what or project in self._refused or self._ledger.has(update.run, part, self._position):
            return
        doing = "asking for rows"
        try:
            if part != POINTS and self._runs.is_there(update, part, self._position):
                return
            doing = "starting a run"
            run = self._runs.run_for(update, self._batch)
            doing = f"logging {part or 'metrics'}"
            run.log(update, part, self._position)
        except Exception as error:  # noqa: BLE001  # wandb raises what it likes
            if part != POINTS or doing == "starting a run":
                self._refused.add(project)
            self._failed(doing, error)

    def _settle(self, run: OpenRun, part: str, deadline: float) -> None:
        """Keep a part as in, once W&B has confirmed the upload of rows."""
        upload = run.pending[part].upload
        try:
            problem = upload.problem(deadline - time.monotonic()) if upload else ""
        except TimeoutError:
            self._troubles.add(f"W&B has not confirmed rows of {part} yet")
        except Exception as error:  # noqa: BLE001  # wandb raises what it likes
            self._failed(f"uploading {part}", error)
        else:
            if problem:
                del run.pending[part]
                self._troubles.add(f"W&B refused rows of {part}: {problem}")
            else:
                self._runs.settle(run, part)

    def _failed(self, doing: str, error: Exception) -> None:
        if core.is_dead(error):
            self._crashed()
        else:
            self._troubles.add_error(doing, error)

    def _crashed(self) -> None:
        logger.warning("wandb-core has died; its runs are kept as far as they are on disk, and new ones follow")
        self._runs.give_up()
        self._troubles.add("wandb-core died", RETRY_CRASHED_S)
