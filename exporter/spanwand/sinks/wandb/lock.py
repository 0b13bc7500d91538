"""Says that a sink is at work in a directory; the lock ends with its process, however that ends."""

import fcntl
from pathlib import Path
from typing import IO

from spanwand.sinks.wandb.directories import lock_file


class DirectoryLock:
    """Held by the sink whose runs lie in a directory."""

    def __init__(self, directory: Path) -> None:
        self._path = lock_file(directory)
        self._file: IO[str] | None = None

    def take(self) -> None:
        """Take the lock. Raises OSError if another process has it."""
        self.release()
        file = self._path.open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise OSError(f"another process writes W&B runs below {self._path.parent}") from None
        self._file = file

    def release(self) -> None:
        """Give the lock back, if it is held."""
        if self._file:
            self._file.close()
            self._file = None


def is_locked(directory: Path) -> bool:
    """Whether some process holds the lock of a directory."""
    try:
        with lock_file(directory).open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
