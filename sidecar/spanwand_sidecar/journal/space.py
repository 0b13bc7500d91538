"""Space on a disk."""

import os
from pathlib import Path


class Space:
    """What is left for us on the disk that a directory is on, of which `min_free_bytes` are not for the journal."""

    def __init__(self, directory: Path, min_free_bytes: int) -> None:
        self._directory = directory
        self._min_free_bytes = min_free_bytes

    def has_room(self, size: int = 0) -> bool:
        """Whether `size` more bytes leave enough for others. Raises OSError."""
        found = os.statvfs(self._directory)
        return found.f_bavail * found.f_frsize - size >= self._min_free_bytes

    def __str__(self) -> str:
        return f"less than {self._min_free_bytes} bytes are free on the journal's disk"
