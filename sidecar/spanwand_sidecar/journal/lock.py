"""One process per journal."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from spanwand_sidecar.journal.errors import JournalUnusable

LOCK_NAME = "lock"


def lock(directory: Path) -> int:
    """Hold the directory for this process; returns the descriptor that holds it. The kernel lets go on any exit."""
    descriptor = os.open(directory / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        raise JournalUnusable(f"journal {directory} is in use by process {holder}") from None
    with suppress(OSError):  # a full disk must not keep us from emptying it; the number is only for people
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor
