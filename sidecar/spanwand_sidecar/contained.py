"""Reads a plain file below a folder, whatever an attacker has named or put there.

Each part of the path is opened below the one before, and no link is followed: a path that was checked and then opened
may be another file by then.
"""

import errno
import os
import stat
from contextlib import ExitStack

from spanwand.drops import DropReason
from spanwand.media import MediaRefused

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_REASONS = {
    errno.ENOENT: DropReason.MEDIA_NOT_FOUND,
    errno.ELOOP: DropReason.MEDIA_NOT_ALLOWED,
    errno.ENOTDIR: DropReason.MEDIA_NOT_ALLOWED,
}


def read_below(root: str, path: str, max_bytes: int) -> bytes:
    """All bytes of the file. Raises MediaRefused for a way out, a link, what is no plain file, or too large."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if not parts or ".." in parts:
        raise MediaRefused(DropReason.MEDIA_NOT_ALLOWED, "no path below the folder")
    try:
        with ExitStack() as opened:
            return _read(_open(root, parts, opened), max_bytes)
    except ValueError:  # what no file can be named, such as a NUL
        raise MediaRefused(DropReason.MEDIA_NOT_ALLOWED, "no name of a file") from None
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, DropReason.MEDIA_UNREADABLE)
        raise MediaRefused(reason, f"cannot be read: {error.strerror}") from None


def _open(root: str, parts: list[str], opened: ExitStack) -> int:
    folder = _close_with(opened, os.open(root, _FOLDER))
    *folders, name = parts
    for part in folders:
        folder = _close_with(opened, os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=folder))
    _check(os.stat(name, dir_fd=folder, follow_symlinks=False))  # to open a device or a pipe may do something to it
    return _close_with(opened, os.open(name, _FILE, dir_fd=folder))


def _close_with(opened: ExitStack, handle: int) -> int:
    opened.callback(os.close, handle)
    return handle


def _read(file: int, max_bytes: int) -> bytes:
    found = os.fstat(file)
    _check(found)
    data = bytearray()
    while len(data) <= max_bytes and (piece := os.read(file, 1 << 20)):
        data += piece
    if len(data) > max_bytes:
        raise MediaRefused(DropReason.MEDIA_TOO_LARGE, f"file over {max_bytes} bytes")
    return bytes(data)


def _check(found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise MediaRefused(DropReason.MEDIA_NOT_ALLOWED, "no plain file")
