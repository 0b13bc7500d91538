"""A5, P2, K2: what a file held is a frame of the journal, once, and so is why there is no image."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.support.daemon import until
from tests.support.pictures import digest, png

from spanwand.config import MediaConfig
from spanwand.drops import DropReason
from spanwand.references import Reference
from spanwand.uploads import Upload
from spanwand_sidecar import media_files
from spanwand_sidecar.journal import Frame, FrameKind, Journal, JournalConfig
from spanwand_sidecar.media_files import MediaFiles

TRACE, SPAN = b"t" * 16, b"s" * 8


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal.open(tmp_path / "journal", JournalConfig())
    yield journal
    journal.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "images"
    root.mkdir()
    (root / "1.png").write_bytes(png(1))
    (root / "broken.png").write_bytes(png(1)[:100])
    (root / "link.png").symlink_to("1.png")
    return root


def reader(root: Path, journal: Journal) -> MediaFiles:
    return MediaFiles(MediaConfig(images="thumbnails", allowed_roots=(str(root),)), journal)


def reference(root: Path, path: str, index: int = 99) -> Reference:
    return Reference(TRACE, SPAN, index, str(root), path)


def frames(journal: Journal) -> list[Frame]:
    return list(journal.read(0))


def uploads(journal: Journal) -> list[Upload]:
    bodies = [frame.body for frame in frames(journal) if frame.kind is FrameKind.MEDIA]
    return [msgspec.msgpack.decode(body, type=Upload) for body in bodies]


def test_an_image_or_why_there_is_none(root: Path, journal: Journal) -> None:
    files = reader(root, journal)
    for number, name in enumerate(("1.png", "link.png", "none.png", "broken.png")):
        files.named(reference(root, name, number))
    journal.append(FrameKind.OTLP_TRACES, b"the call")
    files.passed(frames(journal)[0])
    until(lambda: len(uploads(journal)) == 4)
    first, *others = uploads(journal)
    assert first.media
    assert (first.media.sha256, first.trace_id, first.span_id) == (digest(1), TRACE, SPAN)
    assert [(each.refused, each.media, each.index) for each in others] == [
        (DropReason.MEDIA_NOT_ALLOWED, None, 1),
        (DropReason.MEDIA_NOT_FOUND, None, 2),
        (DropReason.MEDIA_UNREADABLE, None, 3),
    ]


def test_a_restart_reads_what_was_not_answered_before(root: Path, journal: Journal) -> None:
    journal.append(FrameKind.OTLP_TRACES, b"names files 1 and 2")
    before = reader(root, journal)
    before.named(reference(root, "1.png", 1))
    before.passed(frames(journal)[0])
    until(lambda: len(uploads(journal)) == 1)
    journal.append(FrameKind.TICK, b"")
    after = reader(root, journal)
    after.named(reference(root, "1.png", 1))
    after.named(reference(root, "1.png", 2))
    for frame in frames(journal):
        after.passed(frame)
    until(lambda: len(uploads(journal)) == 2)
    journal.append(FrameKind.TICK, b"")
    after.passed(frames(journal)[-1])
    assert [each.index for each in uploads(journal)] == [1, 2]


def test_each_has_one_answer_when_few_may_wait(root: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """R22: what there is no room for is told at once, so a file system that hangs holds up nothing else."""
    monkeypatch.setattr(media_files, "MOST_WAITING", 1)
    files = reader(root, journal)
    for number in range(30):
        files.named(reference(root, "1.png", number))
    journal.append(FrameKind.OTLP_TRACES, b"the call")
    files.passed(frames(journal)[0])
    until(lambda: len(uploads(journal)) >= 30)
    assert sorted(each.index for each in uploads(journal)) == list(range(30))
    assert {each.refused for each in uploads(journal)} <= {None, DropReason.MEDIA_OVER_LIMIT}
    assert all((each.media is None) == (each.refused is not None) for each in uploads(journal))
