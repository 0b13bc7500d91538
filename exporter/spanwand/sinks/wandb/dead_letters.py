"""What W&B refused for good, kept for a person to look at: JSON lines in `refused.jsonl`, readable by its owner only.

It is behind redaction like all that sinks see. Each thing is there once, however often it is refused.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from spanwand.batch import RunKey
from spanwand.sinks.wandb.transaction_log import fsync

NAME = "refused.jsonl"
MAX_BYTES = 64 * 1024 * 1024
"""A larger file takes no more: what is refused then is counted, and gone."""


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that W&B refused: rows of a table, or a history step. `id` is the same if it is refused again."""

    id: str
    run: RunKey
    why: str
    points: Mapping[str, Any] = {}
    table: str = ""
    rows: tuple[Mapping[str, Any], ...] = ()


class _Id(msgspec.Struct):
    id: str


class DeadLetters:
    """The file below `directory`."""

    def __init__(self, directory: Path, max_bytes: int = MAX_BYTES) -> None:
        self.path = directory / NAME
        self._max_bytes = max_bytes
        self._known: set[str] | None = None

    def add(self, letter: DeadLetter) -> bool:
        """Keep a letter, durably. Returns False if it is there already. Raises OSError."""
        if self._known is None:
            self._known = set(self._read())
        if letter.id in self._known:
            return False
        self._append(msgspec.json.encode(letter) + b"\n")
        self._known.add(letter.id)
        return True

    def _append(self, line: bytes) -> None:
        size = self.path.stat().st_size if self.path.exists() else 0
        if size + len(line) > self._max_bytes:
            return
        try:
            with open(self.path, "ab", opener=_private) as file:
                file.write(line)
            fsync(self.path)
        except OSError:
            os.truncate(self.path, size)
            raise
        if not size:
            fsync(self.path.parent)

    def _read(self) -> list[str]:
        """The ids in the file; what a crash left of a line is cut off."""
        if not self.path.exists():
            return []
        content = self.path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            os.truncate(self.path, len(whole))
        return [found.id for line in whole.splitlines() if (found := _decode(line))]


def _decode(line: bytes) -> _Id | None:
    try:
        return msgspec.json.decode(line, type=_Id)
    except msgspec.DecodeError:
        return None


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
