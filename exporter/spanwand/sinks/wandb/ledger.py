"""What is in, per run key and part, over all runs of this directory: what makes a batch count once after a crash.

Beside every run lies a small JSON file that says which run key it serves. When the run is finished, its last batch
of each part is written there too; for a run that a crash left behind, they are read from its transaction log.
"""

import logging
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from spanwand.batch import RunKey
from spanwand.errors import NotReadable
from spanwand.sinks.wandb.directories import runs_directory
from spanwand.sinks.wandb.evidence import Evidence, Position
from spanwand.sinks.wandb.records import RowKey
from spanwand.sinks.wandb.transaction_log import fsync

logger = logging.getLogger(__name__)


class RunDescription(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One run of this directory, as `runs/<id>.json` holds it."""

    run: RunKey
    run_id: str
    log: str
    """The transaction log, relative to the directory."""
    mode: str
    upload: str = "open"
    """`open` while the run is; then `unfinished`: the log is whole, what W&B has of it is not; or `claimed`: wandb says
    that W&B has it all, which it also says after a final refusal; `verified`: it was read back from W&B."""
    parts: dict[str, Position] = {}
    """The last batch of each part that is in; while the run is open, its log and spool say it."""
    refused: tuple[RowKey, ...] = ()
    """History rows that W&B refused for good: the run is complete without them."""


class Ledger:
    """The last batch of each part of each run key that is in."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._known: dict[tuple[RunKey, str], Position] = {}
        self._changing = threading.Lock()

    def has(self, run: RunKey, part: str, position: Position) -> bool:
        """Whether that part of that batch is in."""
        known = self._known.get((run, part))
        return known is not None and known.covers(position)

    def rows_left(self, run: RunKey, part: str, position: Position) -> int | None:
        """How many rows of a batch are not in yet, if only some are."""
        known = self._known.get((run, part))
        return known.rows_left if known and known.batch == position.batch and known.rows_left else None

    def run_of(self, run_id: str) -> RunKey:
        """Which run key a run serves. Raises OSError."""
        return self._read(run_id).run

    def give_up(self, run_id: str, keys: Iterable[RowKey]) -> None:
        """W&B refused history rows of a closed run. On any thread. Raises OSError."""
        with self._changing:
            run = self._read(run_id)
            self.describe(msgspec.structs.replace(run, refused=(*run.refused, *keys)))

    def verified(self, run_id: str) -> None:
        """A closed run was read back from W&B. On any thread. Raises OSError."""
        with self._changing:
            self.describe(msgspec.structs.replace(self._read(run_id), upload="verified"))

    def note(self, run: RunKey, part: str, position: Position) -> None:
        """Remember that a part of a batch is in."""
        known = self._known.get((run, part))
        if known is None or position.window_end_s >= known.window_end_s:
            self._known[run, part] = position

    def is_superseded(self, run: RunDescription) -> bool:
        """Whether later runs' descriptions alone say that all parts of this one are in."""
        others = [other for other in self.closed() if other.run == run.run and other.run_id != run.run_id]
        return all(
            any(part in other.parts and other.parts[part].covers(position) for other in others)
            for part, position in run.parts.items()
        )

    def closed(self) -> list[RunDescription]:
        """The runs that nobody writes to any more."""
        return [run for run in read_descriptions(self._directory) if run.upload != "open"]

    def recover(self) -> None:
        """Learn from the runs that earlier processes left. Unreadable ones are passed over, with a warning."""
        for run in read_descriptions(self._directory):
            try:
                self._recover(run)
            except (OSError, NotReadable) as error:
                logger.warning("%s: cannot tell what this run holds: %s", run.run_id, error)

    def describe(self, description: RunDescription) -> None:
        """Write down a run, durably. Raises OSError."""
        folder = runs_directory(self._directory)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{description.run_id}.json"
        temporary = path.with_suffix(".tmp")
        temporary.write_bytes(msgspec.json.format(msgspec.json.encode(description)) + b"\n")
        fsync(temporary)
        temporary.replace(path)
        fsync(folder)

    def _read(self, run_id: str) -> RunDescription:
        path = runs_directory(self._directory) / f"{run_id}.json"
        return msgspec.json.decode(path.read_bytes(), type=RunDescription)

    def _recover(self, description: RunDescription) -> None:
        if description.upload == "open":
            evidence = Evidence(self._directory / description.log)
            evidence.conclude()
            description = msgspec.structs.replace(description, parts=evidence.parts, upload="unfinished")
            self.describe(description)
        for part, position in description.parts.items():
            self.note(description.run, part, position)


def read_descriptions(directory: Path) -> Iterator[RunDescription]:
    """All runs of a directory. Unreadable descriptions are passed over, with a warning."""
    for path in sorted(runs_directory(directory).glob("*.json")):
        try:
            yield msgspec.json.decode(path.read_bytes(), type=RunDescription)
        except (OSError, msgspec.MsgspecError) as error:
            logger.warning("%s cannot be read: %s", path.name, error)
