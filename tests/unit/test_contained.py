"""K5: a path that an attacker names or plants reads nothing outside its folder, and nothing but plain files."""

import os
from contextlib import suppress
from pathlib import Path

import pytest

from spanwand.drops import DropReason
from spanwand.media import MediaRefused
from spanwand_sidecar.contained import read_below


def refusal(root: Path, path: str) -> DropReason:
    with pytest.raises(MediaRefused) as refused:
        read_below(str(root), path, 10)
    assert path not in str(refused.value)
    return refused.value.reason


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with two files, and beside it a secret."""
    (tmp_path / "secret").write_bytes(b"secret")
    root = tmp_path / "root"
    (root / "day").mkdir(parents=True)
    (root / "a.png").write_bytes(b"0123456789")
    (root / "day" / "b.png").write_bytes(b"b")
    return root


def test_plain_files(root: Path) -> None:
    assert read_below(str(root), "a.png", 10) == b"0123456789"
    assert read_below(str(root), "day//./b.png", 10) == b"b"


@pytest.mark.parametrize("path", ["../secret", "day/../../secret", "..", ".", "", "day/..", "a\0.png", "\ud800"])
def test_ways_out(root: Path, path: str) -> None:
    with pytest.raises(MediaRefused) as refused:
        read_below(str(root), path, 10)
    assert refused.value.reason is DropReason.MEDIA_NOT_ALLOWED


def test_links_are_not_followed_wherever_they_lead(root: Path) -> None:
    (root / "out.png").symlink_to("../secret")
    (root / "in.png").symlink_to("a.png")
    (root / "up").symlink_to("..")
    (root / "today").symlink_to("day")
    (root / "loop").symlink_to("loop")
    for path in ("out.png", "in.png", "up/secret", "today/b.png", "loop", "loop/x"):
        assert refusal(root, path) is DropReason.MEDIA_NOT_ALLOWED


def test_a_root_may_be_a_link(root: Path, tmp_path: Path) -> None:
    """Who configured it said so."""
    (tmp_path / "mounted").symlink_to(root)
    assert read_below(str(tmp_path / "mounted"), "day/b.png", 10) == b"b"


def test_only_plain_files(root: Path) -> None:
    os.mkfifo(root / "pipe")
    for path in ("pipe", "day", "a.png/x"):
        assert refusal(root, path) is DropReason.MEDIA_NOT_ALLOWED
    assert refusal(Path("/dev"), "null") is DropReason.MEDIA_NOT_ALLOWED


def test_what_is_not_there_or_too_large(root: Path, tmp_path: Path) -> None:
    (root / "large.png").write_bytes(b"0123456789!")
    assert refusal(root, "large.png") is DropReason.MEDIA_TOO_LARGE
    assert refusal(root, "none.png") is DropReason.MEDIA_NOT_FOUND
    assert refusal(tmp_path / "unmounted", "a.png") is DropReason.MEDIA_NOT_FOUND
    assert refusal(root, "x" * 300) is DropReason.MEDIA_UNREADABLE


def test_handles_are_closed(root: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208  # pathlib opens one of its own
    for path in ("day/b.png", "day/none", "a.png/x"):
        with suppress(MediaRefused):
            read_below(str(root), path, 10)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
