"""The sealed journal (P2, K5, R8): nothing in clear on disk, the right key or no start, old files are still read."""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from spanwand_sidecar.journal import FrameKind, Journal, JournalConfig, JournalUnusable
from spanwand_sidecar.journal.frame import checksum
from spanwand_sidecar.journal.segment import SEGMENT_HEADER_BYTES, VERSION

SEALED = JournalConfig(segment_bytes=4096, max_bytes=1 << 16)
IN_CLEAR = SEALED.model_copy(update={"seal": "none"})
ANEW = SEALED.model_copy(update={"lost_key": "set-aside"})
TRACES = FrameKind.OTLP_TRACES
CANARY = b"ada.lovelace@example.org asked for a comic"


@contextmanager
def journal_in(data_dir: Path, config: JournalConfig = SEALED) -> Iterator[Journal]:
    journal = Journal.open(data_dir / "journal", config)
    try:
        yield journal
    finally:
        journal.close()


def bodies(journal: Journal) -> list[bytes]:
    return [frame.body for frame in journal.read(0)]


def key_file(data_dir: Path) -> Path:
    return data_dir.with_name(f"{data_dir.name}-keys") / "journal.key"


def contents(data_dir: Path) -> Mapping[str, str]:
    """Every file of the journal but the lock, by digest."""
    files = (path for path in (data_dir / "journal").rglob("*") if path.is_file() and path.name != "lock")
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def written(data_dir: Path) -> Path:
    """A data directory with three sealed frames in three segments."""
    with journal_in(data_dir) as journal:
        for body in (CANARY, CANARY * 95, CANARY):
            journal.append(TRACES, body)
        assert journal.segments == 3
    return data_dir


def test_nothing_that_was_sent_is_on_disk_in_clear(written: Path) -> None:
    raw = b"".join(path.read_bytes() for path in (written / "journal").rglob("*") if path.is_file())
    assert len(raw) > 95 * len(CANARY)
    assert b"ada" not in raw
    assert b"comic" not in raw
    with journal_in(written) as journal:
        assert bodies(journal) == [CANARY, CANARY * 95, CANARY]


def test_the_generated_key_is_private_and_lies_apart(written: Path) -> None:
    """R41."""
    key = key_file(written)
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.parent.stat().st_mode & 0o777 == 0o700
    assert list(key.parent.iterdir()) == [key]
    secret = bytes.fromhex(key.read_text())
    assert len(secret) == 32
    assert all(secret not in path.read_bytes() for path in (written / "journal").iterdir())


@pytest.mark.parametrize("setting", ["key_dir", "key_file"])
def test_the_key_can_lie_elsewhere(data_dir: Path, tmp_path: Path, setting: str) -> None:
    place = tmp_path / "elsewhere"
    place.mkdir()
    (place / "journal.key").write_text("k" * 32)
    config = SEALED.model_copy(update={setting: str(place if setting == "key_dir" else place / "journal.key")})
    with journal_in(data_dir, config) as journal:
        journal.append(TRACES, CANARY)
        assert bodies(journal) == [CANARY]
    assert not key_file(data_dir).exists()


def test_a_key_file_that_was_named_is_never_made(data_dir: Path, tmp_path: Path) -> None:
    config = SEALED.model_copy(update={"key_file": str(tmp_path / "none")})
    with pytest.raises(JournalUnusable, match=r"there is no journal\.key_file .*none"):
        Journal.open(data_dir / "journal", config)
    assert not (tmp_path / "none").exists()


def test_a_key_that_is_too_short_is_refused(data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "short").write_text("secret\n")
    config = SEALED.model_copy(update={"key_file": str(tmp_path / "short")})
    with pytest.raises(JournalUnusable, match="holds less than 32 bytes"):
        Journal.open(data_dir / "journal", config)


def test_a_key_directory_that_cannot_be_made_is_named(data_dir: Path, tmp_path: Path) -> None:
    """R6."""
    (tmp_path / "file").touch()
    config = SEALED.model_copy(update={"key_dir": str(tmp_path / "file")})
    with pytest.raises(JournalUnusable, match=r"journal's key .*file/journal\.key .*Not a directory"):
        Journal.open(data_dir / "journal", config)


def lose_key(data_dir: Path) -> None:
    key_file(data_dir).unlink()


def change_key(data_dir: Path) -> None:
    key_file(data_dir).write_text("another secret of at least 32 bytes")


@pytest.mark.parametrize(("spoil", "why"), [(lose_key, "is gone"), (change_key, "holds another key")])
def test_without_the_right_key_nothing_is_touched(written: Path, spoil: Callable[[Path], None], why: str) -> None:
    """R8: refused in one line that names both files; it works again when the key is back."""
    secret = key_file(written).read_bytes()
    (written / "journal" / "00000000000000009999.new").write_bytes(b"half")
    spoil(written)
    before, keys = contents(written), list(key_file(written).parent.iterdir())
    with pytest.raises(JournalUnusable, match=why) as refusal:
        Journal.open(written / "journal", SEALED)
    assert str(key_file(written)) in str(refusal.value)
    assert "journal.lost_key" in str(refusal.value)
    assert (contents(written), list(key_file(written).parent.iterdir())) == (before, keys)
    key_file(written).write_bytes(secret)
    with journal_in(written) as journal:
        assert len(bodies(journal)) == 3


def test_the_wrong_key_is_known_without_segment_headers(written: Path) -> None:
    """Else each frame would pass for damaged, one by one, and be given up."""
    for path in (written / "journal").glob("*.journal"):
        path.write_bytes(bytes(SEGMENT_HEADER_BYTES) + path.read_bytes()[SEGMENT_HEADER_BYTES:])
    secret = key_file(written).read_bytes()
    change_key(written)
    with pytest.raises(JournalUnusable, match="holds another key"):
        Journal.open(written / "journal", SEALED)
    key_file(written).write_bytes(secret)
    with journal_in(written) as journal:
        assert len(bodies(journal)) == 3


@pytest.mark.parametrize("spoil", [lose_key, change_key])
def test_a_new_beginning_keeps_the_old_files(
    written: Path, spoil: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    """Asked for by configuration; positions and arrival go on, so no sink takes a new batch for an old one (P2)."""
    with journal_in(written) as journal:
        *_, last = journal.read(0)
    secret = key_file(written).read_bytes()
    before = {path.name: path.read_bytes() for path in (written / "journal").glob("*.journal")}
    spoil(written)
    with journal_in(written, ANEW) as journal:
        assert journal.end == last.end
        assert bodies(journal) == []
        journal.append(TRACES, b"new")
        (frame,) = journal.read(0)
        assert (frame.start, frame.body) == (last.end, b"new")
        assert frame.arrival_ns >= last.arrival_ns
    (place,) = (written / "journal").glob("set-aside-*")
    assert {path.name: path.read_bytes() for path in place.iterdir()} == before
    assert place.stat().st_mode & 0o777 == 0o700
    assert str(place) in caplog.text
    (written / "again" / "journal").mkdir(parents=True)
    for name, data in before.items():
        (written / "again" / "journal" / name).write_bytes(data)
    key_file(written / "again").parent.mkdir()
    key_file(written / "again").write_bytes(secret)
    with journal_in(written / "again") as journal:  # as good as before, for whoever finds the key
        assert len(bodies(journal)) == 3


def test_a_new_beginning_of_an_empty_segment(data_dir: Path) -> None:
    with journal_in(data_dir) as journal:
        end = journal.append(TRACES, CANARY * 90)
        journal.append(TRACES, CANARY * 90)
    last = max((data_dir / "journal").glob("*.journal"))
    os.truncate(last, SEGMENT_HEADER_BYTES)
    lose_key(data_dir)
    with journal_in(data_dir, ANEW) as journal:
        assert journal.append(TRACES, b"new") > end
        assert bodies(journal) == [b"new"]
    with journal_in(data_dir) as journal:
        assert bodies(journal) == [b"new"]


def test_sealing_can_be_turned_off_and_on(data_dir: Path) -> None:
    with journal_in(data_dir, IN_CLEAR) as journal:
        journal.append(TRACES, b"in clear")
    assert not key_file(data_dir).exists()
    for config, body in ((SEALED, b"sealed"), (IN_CLEAR, b"in clear again")):
        with journal_in(data_dir, config) as journal:
            journal.append(TRACES, body)
    with journal_in(data_dir) as journal:
        assert bodies(journal) == [b"in clear", b"sealed", b"in clear again"]


BEFORE_SEALING = bytes.fromhex(
    "7370616e77616e640100000000000000000000000000000000000000000000000000000000000000"
    "05000000000000000000000000000000000000001f2bd78ff59d01000b0000000600000000000000"
    "06d008dc12face8566726f6d206265666f7265"
)
"""A segment with one frame, `from before`, as written by the version before sealing."""


def test_what_the_version_before_wrote_is_read(data_dir: Path) -> None:
    """R8: the bytes are spelled out, so that a change of the format cannot change them too."""
    (data_dir / "journal").mkdir(parents=True)
    (data_dir / "journal" / f"{0:020d}.journal").write_bytes(BEFORE_SEALING)
    with journal_in(data_dir) as journal:
        assert bodies(journal) == [b"from before"]
        journal.append(TRACES, b"sealed")
        assert bodies(journal) == [b"from before", b"sealed"]
        assert (journal.damaged, journal.truncated_bytes) == (0, 0)


@pytest.mark.parametrize(("version", "seal"), [(VERSION + 1, 0), (VERSION, 2), (255, 255)])
def test_what_a_newer_version_wrote_is_refused_untouched(written: Path, version: int, seal: int) -> None:
    """R8."""
    path = max((written / "journal").glob("*.journal"))
    data = bytearray(path.read_bytes())
    data[8:10] = version, seal
    data[60:64] = checksum(bytes(data[:60])).to_bytes(4, "little")
    path.write_bytes(data + b"torn")
    before = contents(written)
    for config in (SEALED, ANEW):
        with pytest.raises(JournalUnusable, match=f"newer version .format {version}, seal {seal}"):
            Journal.open(written / "journal", config)
    assert contents(written) == before
