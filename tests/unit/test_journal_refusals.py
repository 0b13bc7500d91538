"""What the journal refuses (P2, K5): a frame while it is full or sick, a start in a directory that it cannot have."""

import os
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from spanwand_sidecar.journal import (
    FrameKind,
    Journal,
    JournalConfig,
    JournalFull,
    JournalSick,
    JournalUnusable,
)

CONFIG = JournalConfig()
TRACES = FrameKind.OTLP_TRACES


@contextmanager
def journal_in(directory: Path, config: JournalConfig = CONFIG) -> Iterator[Journal]:
    journal = Journal.open(directory / "journal", config)
    try:
        yield journal
    finally:
        journal.close()


def bodies(journal: Journal) -> list[bytes]:
    return [frame.body for frame in journal.read(0)]


def test_full_is_refused_and_passes_when_space_is_released(tmp_path: Path) -> None:
    with journal_in(tmp_path, JournalConfig(max_bytes=1 << 16)) as journal:
        for _ in range(6):
            journal.append(TRACES, bytes(10_000))
        with pytest.raises(JournalFull, match="65536"):
            journal.append(TRACES, bytes(10_000))
        assert len(bodies(journal)) == 6
        journal.release(journal.end)
        journal.append(TRACES, bytes(10_000))


def test_a_disk_that_refuses_is_an_answer_and_heals(tmp_path: Path) -> None:
    """No space half way through a frame (by RLIMIT_FSIZE): refused, nothing torn is read, and it comes back."""
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with journal_in(tmp_path) as journal:
        try:
            end = journal.append(TRACES, b"before")
            resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
            with pytest.raises(JournalSick, match="File too large"):
                journal.append(TRACES, bytes(5000))
            assert "File too large" in journal.sick
            assert journal.end == end
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, ignored)
        later = append_until_healthy(journal, b"after")
        assert journal.sick == ""
        assert later > end
        assert bodies(journal) == [b"before", b"after"]
    with journal_in(tmp_path) as journal:
        assert bodies(journal) == [b"before", b"after"]


def append_until_healthy(journal: Journal, body: bytes) -> int:
    deadline_s = time.monotonic() + 10
    while True:
        try:
            return journal.append(TRACES, body)
        except JournalSick:
            assert time.monotonic() < deadline_s
            time.sleep(0.02)


def test_a_second_opener_is_told_who_holds_it(tmp_path: Path) -> None:
    """Two daemons, one data directory: the second exits with a clear line, the first goes on."""
    with journal_in(tmp_path) as journal:
        with pytest.raises(JournalUnusable, match=f"in use by process {os.getpid()}"):
            Journal.open(tmp_path / "journal", CONFIG)
        journal.append(TRACES, b"still fine")
    with journal_in(tmp_path):
        pass


def test_files_are_private(tmp_path: Path) -> None:
    """K5: 0700 and 0600."""
    with journal_in(tmp_path) as journal:
        journal.append(TRACES, b"secret")
        directory = tmp_path / "journal"
        assert directory.stat().st_mode & 0o777 == 0o700
        assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}


def test_a_directory_that_cannot_be_used_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("a file")
    with pytest.raises(JournalUnusable, match="File exists"):
        Journal.open(tmp_path / "journal", CONFIG)
