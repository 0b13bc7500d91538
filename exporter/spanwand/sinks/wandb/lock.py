"""Says that a sink is at work in a directory; the lock ends with its process, however that ends."""

import fcntl
import os
import weakref
from functools import partial
from pathlib import Path

from spanwand.sinks.wandb.core import Owner
from spanwand.sinks.wandb.directories import lock_file


class DirectoryLock:
    """Held by the sink whose runs lie in a directory. The file says whose wandb-core writes to them."""

    def __init__(self, directory: Path) -> None:
        self._path = lock_file(directory)
        self._file = -1
        self._signed: Owner | None = None

    def take(self) -> Owner | None:
        """Take the lock. Returns who had it and did not give it back. Raises OSError if another process has it."""
        self.release()
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            raise OSError(f"another process writes W&B runs below {self._path.parent}") from None
        self._file = file
        os.register_at_fork(after_in_child=partial(_leave_to_parent, weakref.ref(self)))
        pids = [int(word) for word in os.read(file, 64).split() if word.isdigit()]
        return Owner(*pids) if len(pids) == 2 else None

    def sign(self, owner: Owner | None) -> None:
        """Write down whose wandb-core is at work, if that is news."""
        if owner == self._signed:
            return
        self._signed = owner
        text = f"{owner.pid} {owner.core_pid}\n" if owner else ""
        os.pwrite(self._file, text.encode(), 0)
        os.ftruncate(self._file, len(text))

    def close_file(self) -> None:
        """Let go of the file, in a forked child: the lock is the parent's, and would else last while either lives."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def release(self) -> None:
        """Give the lock back, if it is held."""
        if self._file >= 0:
            self.sign(None)
            self.close_file()


def _leave_to_parent(held: "weakref.ref[DirectoryLock]") -> None:
    if lock := held():
        lock.close_file()


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
