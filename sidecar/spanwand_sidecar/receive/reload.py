"""Secrets from files that somebody else replaces while the daemon runs."""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from spanwand.errors import ConfigError
from spanwand_sidecar.log import LOG, Seldom

CHECK_S = 1.0
"""How often files are looked at, while somebody asks."""

T = TypeVar("T")


class Reloaded(Generic[T]):
    """What `read` makes of some files, made again when one has changed; while they are wrong the last good one."""

    def __init__(self, paths: Sequence[Path], read: Callable[[], T]) -> None:
        """Raises ConfigError."""
        self.generation = 0
        """How often it was made again."""
        self._paths = paths
        self._read = read
        self._lock = threading.Lock()
        self._seldom = Seldom()
        self._stamps = self._look()
        self._value = read()
        self._checked_s = time.monotonic()

    def get(self) -> T:
        """The newest good value."""
        with self._lock:
            if time.monotonic() - self._checked_s >= CHECK_S:
                self._checked_s = time.monotonic()
                self._refresh()
            return self._value

    def _refresh(self) -> None:
        stamps = self._look()
        if stamps == self._stamps:
            return
        try:
            value = self._read()
        except ConfigError as error:
            self._seldom.warning("reload", "what was read before stays in force: %s", error)
            return
        if stamps != self._look():  # being replaced just now
            return
        self._value, self._stamps = value, stamps
        self.generation += 1
        LOG.info("read again: %s", ", ".join(map(str, self._paths)))

    def _look(self) -> tuple[tuple[int, ...], ...]:
        """What changes when a file does, be it written in place, replaced, or behind a link."""
        return tuple(_stamp(path) for path in self._paths)


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
