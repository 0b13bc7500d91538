"""The W&B sink: batches into runs, delivered when the runs' transaction logs prove it (design §1, §5).

What is proven when. Points, online and offline: they are in the run's transaction log and fsynced; from there wandb
uploads them, and a log is enough for `wandb sync` to do it later. Rows offline: likewise, with their Table file. Rows
online: the same is in a spool of our own before wandb gets them; a live sink waits for W&B's word beside. That a run
is complete at W&B is proven by reading it back (`completion`, docs/adr/0014).
"""

import logging
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from spanwand.batch import Batch
from spanwand.config import WandbConfig
from spanwand.drops import Drops
from spanwand.outcomes import Delivered, Outcome, Retry
from spanwand.sinks.wandb import core
from spanwand.sinks.wandb.attempt import Attempt
from spanwand.sinks.wandb.completion import Completion
from spanwand.sinks.wandb.directories import is_own_process
from spanwand.sinks.wandb.key import find_api_key, has_identity_token
from spanwand.sinks.wandb.ledger import Ledger, read_descriptions
from spanwand.sinks.wandb.lock import DirectoryLock
from spanwand.sinks.wandb.refusals import Refusals
from spanwand.sinks.wandb.runs import OpenRuns
from spanwand.sinks.wandb.settings import Common, find_server, run_settings
from spanwand.sinks.wandb.troubles import RETRY_LATER_S, Troubles
from spanwand.tables import TABLES, Column

PROOF_WAIT_S = 10.0
"""Longest wait for a batch to be proven; usual is 0.2 s."""
MIN_FREE_BYTES = 32 * 1024 * 1024
"""With less space left nothing is logged: wandb would lose it without a word."""
TAKE_DOWN_S = 2.0
"""Kept of the time to close for the end of wandb-core."""

logger = logging.getLogger(__name__)


class WandbSink:
    """Writes batches to W&B runs; what it needs and leaves lies below `directory`, which belongs to one sink."""

    def __init__(self, config: WandbConfig, directory: Path, layout: Mapping[str, tuple[Column, ...]] = TABLES) -> None:
        """Touches nothing and imports no wandb: that is for the first batch.

        `layout` has the columns of each Table.
        """
        self._config = config
        self._directory = directory
        self._server = find_server(config)
        self._ledger = Ledger(directory)
        common = Common(self._server, run_settings(self._server, config, directory), layout, config.dataset)
        self._lock = DirectoryLock(directory)
        self._refusals = Refusals(directory, layout)
        self._completion = Completion(directory, self._ledger, config, self._server.mode, self._refusals)
        self._runs = OpenRuns(common, directory, self._ledger, self._completion.wake)
        self._pid = 0

    @property
    def mode(self) -> str:
        """`online`, `offline` or `disabled`: what `auto` turned out to be."""
        return self._server.mode

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know beside the outcome of batches."""
        died = () if core.is_alive() else ("wandb-core has died; the next batch starts another",)
        return (*died, *self._refusals.notes, *self._completion.notes)

    @property
    def drops(self) -> Drops:
        """What W&B refused for good, since the start."""
        return self._refusals.drops

    def take_up(self) -> None:
        """In a process that is ours: look after the runs that earlier ones left, without waiting for a batch.

        Raises OSError if another process has the directory, and whatever wandb raises.
        """
        if self.mode != "disabled" and next(read_descriptions(self._directory), None):
            self._begin()

    def write(self, batch: Batch) -> Outcome:
        """Log a batch and prove it. See `spanwand.ports.Sink`."""
        if self.mode == "disabled" or not batch.updates:
            return Delivered()
        troubles = Troubles(self._server.api_key)
        try:
            if self.mode == "online" and not (find_api_key(self._server.base_url) or has_identity_token()):
                return Retry(RETRY_LATER_S, "no W&B API key: set WANDB_API_KEY, or log in with `wandb login`")
            self._begin()
            self._lock.sign(core.start())
            if shutil.disk_usage(self._directory).free < MIN_FREE_BYTES:
                return Retry(RETRY_LATER_S, f"less than {MIN_FREE_BYTES >> 20} MiB free below {self._directory}")
            self._runs.rotate(batch.start_ns, self._config)
            attempt = Attempt(batch, self._runs, self._ledger, troubles, self._refusals)
            attempt.log()
            attempt.prove(PROOF_WAIT_S, self._config.finish_timeout_s)
        except Exception as error:
            logger.debug("writing to W&B failed", exc_info=True)
            troubles.add_error("writing to W&B", error)
        return troubles.outcome

    def close(self, deadline_s: float) -> None:
        """Finish all runs and end wandb-core, within `deadline_s` seconds."""
        if self._pid != os.getpid():
            return
        self._pid = 0
        deadline = time.monotonic() + deadline_s
        self._completion.stop()
        self._runs.finish_all(max(deadline_s - TAKE_DOWN_S, deadline_s / 2))
        if core.is_ours():
            core.take_down(max(deadline - time.monotonic(), 0.1))
        self._lock.release()

    def _begin(self) -> None:
        """Once per process: learn what earlier ones left. In a forked child the runs are the parent's."""
        if self._pid == os.getpid():
            return
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._runs.forget()
        core.load()
        left = self._lock.take()
        if left:
            core.end_orphan(left)
        self._ledger.recover()
        self._pid = os.getpid()
        if is_own_process(self._directory):
            self._completion.start()
