"""A start whose journal cannot be used (R6): one clear line, exit code 1, before any port is bound."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.faults.disks import small_disk
from tests.support.daemon import COMMAND, environment

from spanwand_sidecar.journal import FrameKind, Journal, JournalConfig

NOBODY = 65534
WITHOUT_RIGHTS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
"""Root without the right to pass over permissions: what a daemon of any other user is."""
needs_root = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root and setpriv")


def refusal(data_dir: Path, *before: str, **settings: str) -> str:
    """What a daemon that does not start says."""
    command = [*before, *COMMAND, "up"]
    environ = environment(data_dir, **settings)
    result = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)
    assert result.returncode == 1, result.stderr
    (line,) = (line for line in result.stderr.splitlines() if line.startswith("spanwand: "))
    assert not (data_dir / "endpoints.json").exists()
    return line.removeprefix("spanwand: ")


@needs_root
@pytest.mark.parametrize("mode", [0o000, 0o555, 0o700])
def test_the_journal_is_somebody_elses(tmp_path: Path, mode: int) -> None:
    journal = tmp_path / "journal"
    journal.mkdir(mode)
    os.chown(journal, NOBODY, NOBODY)
    assert refusal(tmp_path, *WITHOUT_RIGHTS) == f"journal {journal}: Operation not permitted"


@needs_root
def test_a_file_of_the_journal_cannot_be_read(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    journal.mkdir()
    file = journal / f"{0:020d}.journal"
    file.touch(0o000)
    os.chown(file, NOBODY, NOBODY)
    assert refusal(tmp_path, *WITHOUT_RIGHTS) == f"journal {journal}: Permission denied"


def test_the_disk_is_read_only(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        (disk / "data" / "journal").mkdir(parents=True)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        assert refusal(disk / "data") == f"journal {disk / 'data' / 'journal'}: Read-only file system"


@pytest.mark.parametrize("setting", ["JOURNAL__KEY_FILE", "JOURNAL__KEY_DIR"])
def test_the_key_cannot_be_had(tmp_path: Path, setting: str) -> None:
    """The line names the file and the setting."""
    (tmp_path / "file").touch()
    line = refusal(tmp_path, **{setting: str(tmp_path / "file" / "key")})
    assert str(tmp_path / "file" / "key") in line
    assert "key" in line.partition(str(tmp_path))[0]


def test_the_key_is_gone(tmp_path: Path) -> None:
    """R8: told with both files and the way out; what is there stays."""
    data_dir = tmp_path / "data"
    journal = Journal.open(data_dir / "journal", JournalConfig())
    journal.append(FrameKind.TICK, b"")
    journal.close()
    key = tmp_path / "data-keys" / "journal.key"
    key.unlink()
    (file,) = (data_dir / "journal").glob("*.journal")
    before = file.read_bytes()
    line = refusal(data_dir)
    assert str(file) in line
    assert str(key) in line
    assert "journal.lost_key: set-aside" in line
    assert file.read_bytes() == before
