"""One try to get one batch in: log what is not in yet, then wait until it is proven."""

import logging
import time

import msgspec

from spanwand.batch import Batch, RunKey, RunUpdate
from spanwand.sinks.wandb import core, core_log
from spanwand.sinks.wandb.core_log import Problem
from spanwand.sinks.wandb.evidence import POINTS, Position
from spanwand.sinks.wandb.ledger import Ledger
from spanwand.sinks.wandb.pieces import fitting
from spanwand.sinks.wandb.refusals import Refusals
from spanwand.sinks.wandb.run import OpenRun
from spanwand.sinks.wandb.runs import OpenRuns
from spanwand.sinks.wandb.settings import NotStarted
from spanwand.sinks.wandb.troubles import RETRY_CRASHED_S, Troubles, explain_problem

SLOW_S = 5.0
"""A Table that took longer to log has met a W&B that does not answer: with that, each takes 10 to 19 s."""

logger = logging.getLogger(__name__)


class Attempt:
    """What one call of `write` does, once wandb-core runs and there is room on the disk."""

    def __init__(self, batch: Batch, runs: OpenRuns, ledger: Ledger, troubles: Troubles, refusals: Refusals) -> None:
        self._batch = batch
        self._position = Position(batch.seq, batch.end_ns / 1e9)
        self._updates = {update.run: update for update in batch.updates}
        self._runs = runs
        self._ledger = ledger
        self._troubles = troubles
        self._refusals = refusals
        self._refused: set[tuple[str, str]] = set()
        self._refused_runs: dict[RunKey, str] = {}
        self._is_in_pieces = False

    def log(self) -> None:
        """Log all points, then all rows: online, a Table can block for long and must not keep points back."""
        for update in self._batch.updates:
            self._log(update, POINTS)
        slow = False
        for update, table in [(each, table) for each in self._batch.updates for table in each.rows]:
            if slow:
                self._troubles.add("W&B is slow to answer; further rows wait")
                break
            begun = time.monotonic()
            self._log(update, table)
            slow = time.monotonic() - begun > SLOW_S
        self._give_up_runs()

    def prove(self, wait_s: float, finish_timeout_s: float) -> None:
        """Wait for the proof of what is logged, and log the rows that are left. Raises OSError.

        A run whose log does not grow is ended.
        """
        deadline = time.monotonic() + wait_s
        self._prove(deadline, finish_timeout_s)
        while self._is_in_pieces and time.monotonic() < deadline:
            self._is_in_pieces = False
            self.log()
            self._prove(time.monotonic() + wait_s, finish_timeout_s)
        if self._is_in_pieces:
            self._troubles.is_getting_on = True
            self._troubles.add("rows go to W&B in pieces; some are left", 0.0)

    def _prove(self, deadline: float, finish_timeout_s: float) -> None:
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
        if not what or project in self._refused or update.run in self._refused_runs or self._is_in(update, part):
            return
        doing = "starting a run"
        try:
            run = self._runs.run_for(update, self._batch)
            doing = f"logging {part or 'metrics'}"
            run.log(*self._piece(update, part))
        except Exception as error:  # noqa: BLE001  # wandb raises what it likes
            if isinstance(error, NotStarted) and error.problem.status in core_log.PERMANENT:
                self._refused_runs[update.run] = str(error)
                return
            if part != POINTS or doing == "starting a run":
                self._refused.add(project)
            self._failed(doing, error)

    def _is_in(self, update: RunUpdate, part: str) -> bool:
        return self._ledger.has(update.run, part, self._position)

    def _left(self, update: RunUpdate, part: str) -> int:
        """How many rows of a part are not in yet."""
        left = self._ledger.rows_left(update.run, part, self._position)
        return len(update.rows[part]) if left is None else left

    def _piece(self, update: RunUpdate, part: str) -> tuple[RunUpdate, str, Position]:
        """What to log of a part that is not in: all that is left and fits, or less once W&B has refused that."""
        if part == POINTS:
            return update, part, self._position
        left = self._left(update, part)
        rows = update.rows[part][len(update.rows[part]) - left :]
        size = fitting(rows[: self._refusals.size(update.run, part, left)])
        position = self._position._replace(rows_left=left - size)
        return self._up_to(update, part, position), part, position

    def _up_to(self, update: RunUpdate, part: str, position: Position) -> RunUpdate:
        """`update` with only those rows of a part that are not in yet and reach to `position`."""
        rows = update.rows[part]
        rows = rows[len(rows) - self._left(update, part) : len(rows) - position.rows_left]
        return msgspec.structs.replace(update, rows={part: rows})

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
                self._take_apart(run, part, problem)
            else:
                self._settled(run, part)

    def _settled(self, run: OpenRun, part: str) -> None:
        position = run.pending[part].position
        if part != POINTS and (update := self._updates.get(run.key)):
            count = self._left(update, part) - position.rows_left
            self._refusals.taken(run.key, part, count, position.rows_left)
        self._runs.settle(run, part)
        self._is_in_pieces |= position.rows_left > 0

    def _take_apart(self, run: OpenRun, part: str, said: str) -> None:
        """W&B refused rows: if for good, fewer at once are tried, and a single one is given up. Raises OSError."""
        problem = why_refused(run, part, said)
        if problem.status not in core_log.PERMANENT:
            self._troubles.add(f"rows of {part} are refused: {explain_problem(problem)}")
            return
        position = run.pending[part].position
        update = self._up_to(self._updates[run.key], part, position)
        if self._refusals.refused(run.key, part, len(update.rows[part]), position.rows_left):
            self._refusals.keep_rows(update, part, position, str(problem))
            self._ledger.note(run.key, part, position)
            self._is_in_pieces |= position.rows_left > 0
        else:
            self._is_in_pieces = True
        run.refused(part)

    def _give_up_runs(self) -> None:
        """Give up what belongs to runs that W&B will not have, if it has others: else it is W&B, or the project."""
        for key, why in self._refused_runs.items():
            if not self._runs.is_any_open:
                self._troubles.add(f"starting a run: {why}")
                continue
            update = self._updates[key]
            self._refusals.keep_step(update, self._position, why)
            for table in filter(update.rows.get, update.rows):
                self._refusals.keep_rows(update, table, self._position, why)

    def _failed(self, doing: str, error: Exception) -> None:
        if core.is_dead(error):
            self._crashed()
        else:
            self._troubles.add_error(doing, error)

    def _crashed(self) -> None:
        logger.warning("wandb-core has died; its runs are kept as far as they are on disk, and new ones follow")
        self._runs.give_up()
        self._troubles.add("wandb-core died", RETRY_CRASHED_S)


def why_refused(run: OpenRun, part: str, said: str) -> Problem:
    """How W&B answered an upload of rows, of which wandb `said` something. GraphQL errors have no status."""
    if status := core_log.status_in(said):
        return Problem(status, core_log.reason_in(said))
    logged = core_log.last_problem(core_log.log_of(run.folder), f".{part}")
    return Problem(logged.status, logged.text or said)
