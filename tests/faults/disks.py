"""Disks that a test can fill, and one that it can tear out."""

import fcntl
import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import pytest

_EXT4_SHUTDOWN = 0x8004587D
"""EXT4_IOC_SHUTDOWN of linux/ext4.h"""
_WITHOUT_SYNC = 2


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


class Disk:
    """An ext4 file system in a file, mounted at `path` until the end of the block. Skips who may not mount.

    `tear_out` stops it as a power cut does: what was not synced is gone, and everything on it fails with EIO until
    `put_back`. What was sent to the device is there, for the file behind it is; so it is a disk without a cache.
    """

    def __init__(self, path: Path, image: Path, size_bytes: int = 64 << 20) -> None:
        self.path = path
        self._image = image
        self._size_bytes = size_bytes

    def __enter__(self) -> Self:
        with self._image.open("wb") as file:
            file.truncate(self._size_bytes)
        make_file_system = shutil.which("mkfs.ext4", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
        if make_file_system is None:
            pytest.skip("no mkfs.ext4")
        subprocess.run([make_file_system, "-q", self._image], check=True)
        self.path.mkdir(parents=True, exist_ok=True)
        self._mount()
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", "--lazy", self.path], check=True)

    def tear_out(self) -> None:
        """Cut the power. Nobody may be syncing then: to one in 25 who was, the kernel said that all is well."""
        directory = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(directory, _EXT4_SHUTDOWN, struct.pack("I", _WITHOUT_SYNC))
        finally:
            os.close(directory)

    def put_back(self) -> None:
        """Mount again what is left; nobody may use it any more."""
        subprocess.run(["umount", self.path], check=True)
        self._mount()

    def _mount(self) -> None:
        done = subprocess.run(["mount", "-o", "loop", self._image, self.path], capture_output=True)
        if done.returncode:
            pytest.skip(f"cannot mount a loop device: {done.stderr.decode().strip()}")


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
