"""Space on a disk."""

import os
from contextlib import suppress
from pathlib import Path


class Space:
    """What is left for us on the disk that a directory is on, of which `min_free_bytes` are not for the journal."""

    def __init__(self, directory: Path, min_free_bytes: int) -> None:
        self._directory = directory
        self._min_free_bytes = min_free_bytes
        self._wanted_bytes = 0

    def fits(self, size: int) -> bool:
        """Whether `size` more bytes leave enough for others. If not, there is no room until they do. Raises OSError."""
        fits = self._spare_bytes() >= size
        self._wanted_bytes = 0 if fits else size
        return fits

    def has_room(self) -> bool:
        """Whether what did not fit would now. A disk that does not answer is sick, which the journal finds out."""
        with suppress(OSError):
            return self._spare_bytes() >= self._wanted_bytes
        return True

    def __str__(self) -> str:
        return f"less than {self._min_free_bytes} bytes are free on the journal's disk"

    def _spare_bytes(self) -> int:
        found = os.statvfs(self._directory)
        return found.f_bavail * found.f_frsize - self._min_free_bytes
