"""What is in, per run key and part, over all runs of this directory: what makes a batch count once after a crash.

Beside every run lies a small JSON file that says which run key it serves. When the run is finished, its last batch
of each part is written there too; for a run that a crash left behind, they are read from its transaction log.
"""

import logging
from pathlib import Path

import msgspec

from spanwand.batch import RunKey
from spanwand.errors import NotReadable
from spanwand.sinks.wandb.directories import runs_directory
from spanwand.sinks.wandb.evidence import Evidence, Position, fsync

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
    that W&B has it all, which it also says after a final refusal, so that only reading back would prove it."""
    parts: dict[str, Position] = {}
    """The last batch of each part that is in; while the run is open, only what its log does not say."""


class Ledger:
    """The last batch of each part of each run key that is in."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._known: dict[tuple[RunKey, str], Position] = {}

    def has(self, run: RunKey, part: str, position: Position) -> bool:
        """Whether that part of that batch is in."""
        known = self._known.get((run, part))
        return known is not None and known.covers(position)

    def note(self, run: RunKey, part: str, position: Position) -> None:
        """Remember that a part of a batch is in."""
        known = self._known.get((run, part))
        if known is None or position.window_end_s >= known.window_end_s:
            self._known[run, part] = position

    def recover(self) -> None:
        """Learn from the runs that earlier processes left. Unreadable ones are passed over, with a warning."""
        for path in sorted(runs_directory(self._directory).glob("*.json")):
            try:
                self._recover(msgspec.json.decode(path.read_bytes(), type=RunDescription))
            except (OSError, NotReadable, msgspec.MsgspecError) as error:
                logger.warning("%s: cannot tell what this run holds: %s", path.name, error)

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

    def _recover(self, description: RunDescription) -> None:
        if description.upload == "open":
            evidence = Evidence(self._directory / description.log, is_online=description.mode == "online")
            evidence.confirmed.update(description.parts)
            evidence.refresh()
            description = msgspec.structs.replace(description, parts=evidence.parts, upload="unfinished")
            self.describe(description)
        for part, position in description.parts.items():
            self.note(description.run, part, position)
