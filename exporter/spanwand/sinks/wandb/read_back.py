"""What W&B has of a run, asked through its public API: the only proof that an upload has had its effect."""

import importlib
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from spanwand.metrics import BATCH
from spanwand.sinks.wandb.records import RowKey, row_key
from spanwand.sinks.wandb.settings import Server

TIMEOUT_S = 10
PAGE_ROWS = 1_000


class Stored(NamedTuple):
    """A run at W&B. `state` is empty if there is none."""

    state: str
    rows: Counter[RowKey]
    line_count: int
    """How many history rows W&B says it has; it may lag behind what it shows, and the other way round."""


NOTHING = Stored("", Counter(), 0)


class ReadBack:
    """W&B's public API for the runs of one project. Every call raises whatever wandb raises."""

    def __init__(self, server: Server, entity: str, project: str) -> None:
        wandb = importlib.import_module("wandb")
        self._api = wandb.Api(overrides={"base_url": server.base_url}, timeout=TIMEOUT_S, api_key=server.api_key)
        self._path = f"{entity or self._api.default_entity}/{project}"

    def run(self, run_id: str) -> Stored:
        """What there is of a run."""
        self._api.flush()  # it would show what it showed before
        try:
            run = self._api.run(f"{self._path}/{run_id}")
        except Exception as error:
            if _is_missing(error):
                return NOTHING
            raise
        rows = row_keys(run.scan_history(page_size=PAGE_ROWS, use_cache=False))
        return Stored(run.state, rows, int(run.historyLineCount or 0))

    def files(self, artifact: str) -> frozenset[str]:
        """Paths of the files in the latest version of an artifact of this project; none if there is no such."""
        name = f"{self._path}/{artifact}:latest"
        if not self._api.artifact_exists(name):
            return frozenset()
        return frozenset(self._api.artifact(name).manifest.entries)


def row_keys(rows: Iterable[Mapping[str, Any]]) -> Counter[RowKey]:
    """The rows that a batch made, and how often each is there."""
    return Counter(row_key(row) for row in rows if row.get(BATCH) is not None)


def _is_missing(error: BaseException) -> bool:
    """Whether a run does not exist, as opposed to a W&B that cannot be asked."""
    causes = (error, error.__cause__, error.__context__)
    return any(type(cause).__name__ == "RunNotFoundError" for cause in causes)
