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

    def note_unknown(self, what: str) -> None:
        """Remember something the server was asked for and has not got."""
        if what not in self.unknown:
            self.unknown.append(what)

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
