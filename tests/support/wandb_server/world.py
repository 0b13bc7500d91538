"""Everything the server knows, in one place, guarded by one lock."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime

from tests.support.wandb_server.artifacts import Artifacts
from tests.support.wandb_server.blobs import Blobs
from tests.support.wandb_server.runs import Run


class RefusedError(Exception):
    """An operation that the server answers with GraphQL `errors`."""


class World:
    """Runs, artifacts and files of one server. Hold `lock` while reading or changing them."""

    def __init__(self, entity: str) -> None:
        self.lock = threading.RLock()
        self.entity = entity
        self.blobs = Blobs()
        self.artifacts = Artifacts(self.blobs)
        self.runs: dict[tuple[str, str, str], Run] = {}
        self.unknown: list[str] = []
        self.stale_reads: list[int] = []
        """By how many rows the next answers about a run's line count are too low, one each."""
        self.stale_upserts: list[int] = []
        """Likewise, for those that wandb gets when it goes on with a run, from which it counts its own lines."""

    def note_unknown(self, what: str) -> None:
        """Remember something the server was asked for and has not got."""
        if what not in self.unknown:
            self.unknown.append(what)

    def line_count(self, run: Run, stale: list[int]) -> int:
        """How many history lines a run is said to have."""
        count = len(run.history_lines.lines)
        return count - stale.pop(0) if count and stale else count

    def find_run(self, entity: str | None, project: str, name: str) -> Run | None:
        """A run by its path; no entity means the default one."""
        return self.runs.get((entity or self.entity, project, name))

    def run(self, entity: str | None, project: str, name: str) -> Run:
        """A run that has to exist."""
        run = self.find_run(entity, project, name)
        if run is None:
            raise RefusedError(f"run {name} not found")
        return run

    def runs_of(self, entity: str | None, project: str) -> Iterator[Run]:
        """The runs of a project, oldest first."""
        return (run for (e, p, _), run in self.runs.items() if (e, p) == (entity or self.entity, project))


def timestamp() -> str:
    """Now, as RFC 3339."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
