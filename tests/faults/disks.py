"""Disks that a test can fill."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(path: Path, size: str = "2m") -> Iterator[Path]:
    """A file system of `size` in memory, mounted at `path` until the end of the block. Skips who may not mount."""
    path.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", path], capture_output=True)
    if done.returncode:
        pytest.skip(f"cannot mount a tmpfs: {done.stderr.decode().strip()}")
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)


def free_bytes(path: Path) -> int:
    """Space left."""
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize


def fill(path: Path, leave: int = 0) -> Path:
    """Take all the space of a disk but about `leave` bytes, in a file that is returned."""
    ballast = path / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while free_bytes(path) > leave:
                file.write(bytes(min(65536, free_bytes(path) - leave) or 1))
        except OSError:
            return ballast
    return ballast
