"""A journal read without owning it: nothing is locked, cut, made or removed, and a daemon may be writing to it."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from spanwand_sidecar.journal.config import JournalConfig
from spanwand_sidecar.journal.errors import JournalLocked, JournalUnusable
from spanwand_sidecar.journal.frame import Damage, Frame, Stored
from spanwand_sidecar.journal.scan import in_clear, read_stored
from spanwand_sidecar.journal.seal import Key
from spanwand_sidecar.journal.segment import Segment, find, missing
from spanwand_sidecar.journal.unlock import key_path, locked, read_key


class Watched(msgspec.Struct, frozen=True):
    """A journal as it was when it was looked at; what a daemon gives up since then is passed over."""

    directory: Path
    segments: list[Segment]

    @property
    def end(self) -> int:
        """Position behind all of it."""
        return self.segments[-1].end

    def frames(self, key: Key | None, position: int = 0) -> Iterator[Frame | Damage]:
        """As `stored`, in clear. Raises JournalUnusable if nothing was ever at `position`."""
        if position > self.end:
            raise JournalUnusable(f"position {position} is behind the end of journal {self.directory}, {self.end}")
        return (in_clear(key, item) for item in self.stored(position))

    def stored(self, position: int = 0) -> Iterator[Stored | Damage]:
        """What begins at `position` or behind it: frames as they lie on disk, and what cannot be read or is gone."""
        gone = {gap.start: gap for gap in missing(self.segments)}
        for segment in self.segments:
            if segment.end > position:
                with suppress(FileNotFoundError):
                    items = read_stored(segment, segment.base, segment.end)
                    yield from (item for item in items if item.start >= position)
            if segment.end >= position and segment.end in gone:
                yield gone[segment.end]


def watch(directory: Path) -> Watched:
    """Look at the journal in `directory`, or in the data directory of that name. Raises JournalUnusable."""
    inner = directory / "journal"
    directory = inner if inner.is_dir() else directory
    try:
        segments = find(directory)
    except OSError as error:
        raise JournalUnusable(f"journal {directory}: {error.strerror or error}") from None
    if not segments:
        raise JournalUnusable(f"there is no journal in {directory}, or nothing was written to it yet")
    return Watched(directory, segments)


def key_of(watched: Watched, config: JournalConfig) -> Key | None:
    """The key that opens all of it; None if nothing is sealed. Raises JournalLocked."""
    path = key_path(watched.directory, config)
    key = read_key(path)
    if shut := locked(watched.segments, key):
        what = "holds another key" if key else "is not there"
        raise JournalLocked(f"{shut[0].path} is sealed, and {path} {what}: name the right one with journal.key_file")
    return key
