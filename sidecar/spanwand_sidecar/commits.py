"""The commit record: how far each sink has got, in one file that is replaced as a whole."""

import threading
from collections.abc import Callable, Collection
from pathlib import Path

import msgspec

from spanwand_sidecar.errors import CannotStart
from spanwand_sidecar.files import replace_json


class Commit(msgspec.Struct, frozen=True):
    """One sink's progress: the last batch it has, and the journal position from which its next ones can be made."""

    seq: int = -1
    low: int = 0

    @property
    def delivered(self) -> int:
        """What came before this position is in, but for traces that are still open."""
        return max(self.seq, self.low)


class Commits:
    """Progress by sink name. Sinks that are not configured now keep their entry, but hold nothing back.

    `on_low` is called with the position from which every configured sink can go on, whenever that moves.
    """

    def __init__(self, path: Path, sinks: Collection[str], journal_end: int, on_low: Callable[[int], None]) -> None:
        """Raises CannotStart if the file is damaged. Progress behind `journal_end` is of a journal that is gone."""
        self._path = path
        self._on_low = on_low
        self._lock = threading.Lock()
        self._all = {name: commit for name, commit in _read(path).items() if commit.seq <= journal_end}
        self._sinks = tuple(sinks)

    def __getitem__(self, sink: str) -> Commit:
        return self._all.get(sink, Commit())

    @property
    def low(self) -> int:
        """Where the line has to start so that no configured sink misses a batch."""
        return min(self[sink].low for sink in self._sinks)

    @property
    def delivered(self) -> int:
        """What came before this position is in every configured sink, but for traces that are still open."""
        return min(self[sink].delivered for sink in self._sinks)

    def advance(self, sink: str, commit: Commit) -> None:
        """Record a batch as done for `sink`. Durable on return; raises OSError if it cannot be."""
        with self._lock:
            before = self.low
            progress = {**self._all, sink: commit}
            replace_json(self._path, {name: msgspec.to_builtins(entry) for name, entry in progress.items()})
            self._all = progress
            low = self.low
        if low > before:
            self._on_low(low)


def _read(path: Path) -> dict[str, Commit]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Commit])
    except FileNotFoundError:
        return {}
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise CannotStart(f"{path} is damaged; delete it to deliver all of the journal again") from None
