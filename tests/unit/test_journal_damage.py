"""Files of a journal that are cut, emptied, zeroed, gone or not ours (R3): the rest is read, the loss is counted."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from spanwand_sidecar.journal import FrameKind, Journal, JournalConfig
from spanwand_sidecar.journal.frame import FRAME_HEADER_BYTES
from spanwand_sidecar.journal.seal import SEAL_BYTES
from spanwand_sidecar.journal.segment import SEGMENT_HEADER_BYTES, SegmentHeader, create

CONFIG = JournalConfig(segment_bytes=1 << 14, max_bytes=1 << 20)
BODY_BYTES = 4000
FRAME_BYTES = FRAME_HEADER_BYTES + BODY_BYTES + SEAL_BYTES
COUNT = 16
"""Bodies, four to a segment."""


def body(number: int) -> bytes:
    return bytes([number]) * BODY_BYTES


def files(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.journal"))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A journal of four full segments."""
    directory = tmp_path / "journal"
    journal = Journal.open(directory, CONFIG)
    for number in range(COUNT):
        journal.append(FrameKind.OTLP_TRACES, body(number))
    journal.close()
    assert len(files(directory)) == 4
    return directory


def read(directory: Path) -> tuple[list[int], int, int]:
    """Numbers of the bodies, stretches lost, bytes cut; and what is appended next is read at a later start."""
    journal = Journal.open(directory, CONFIG)
    found = [frame.body[0] for frame in journal.read(0)]
    assert list(journal.read(journal.end)) == []
    result = (found, journal.damaged, journal.truncated_bytes)
    end = journal.append(FrameKind.OTLP_TRACES, body(99))
    journal.close()
    journal = Journal.open(directory, CONFIG)
    assert [frame.end for frame in journal.read(0)][-1] == end == journal.end
    journal.close()
    return result


def all_but(*lost: int) -> list[int]:
    return [number for number in range(COUNT) if number not in lost]


def test_a_file_in_the_middle_is_gone(directory: Path) -> None:
    files(directory)[1].unlink()
    assert read(directory) == (all_but(4, 5, 6, 7), 1, 0)


def test_files_are_gone_at_either_end(directory: Path) -> None:
    """What is released goes from the front; what went at the back cannot be told from what was never written."""
    first, _, _, last = files(directory)
    first.unlink()
    last.unlink()
    assert read(directory) == ([4, 5, 6, 7, 8, 9, 10, 11], 0, 0)


def test_a_file_in_the_middle_is_cut_between_frames(directory: Path) -> None:
    os.truncate(files(directory)[1], SEGMENT_HEADER_BYTES + FRAME_BYTES)
    assert read(directory) == (all_but(5, 6, 7), 1, 0)


def test_a_file_in_the_middle_is_cut_within_a_frame(directory: Path) -> None:
    os.truncate(files(directory)[1], SEGMENT_HEADER_BYTES + FRAME_BYTES + 100)
    assert read(directory) == (all_but(5, 6, 7), 2, 0)


@pytest.mark.parametrize("size", [0, 1, SEGMENT_HEADER_BYTES - 1, SEGMENT_HEADER_BYTES])
@pytest.mark.parametrize("place", [1, 3])
def test_a_file_is_all_but_empty(directory: Path, size: int, place: int) -> None:
    os.truncate(files(directory)[place], size)
    lost = range(4 * place, 4 * place + 4)
    assert read(directory) == (all_but(*lost), 1 if place == 1 else 0, 0)


def test_a_file_is_all_zeros(directory: Path) -> None:
    path = files(directory)[1]
    path.write_bytes(bytes(path.stat().st_size))
    assert read(directory) == (all_but(4, 5, 6, 7), 1, 0)


@pytest.mark.parametrize("zeros", [1, 5_000, 300_000])
def test_zeros_behind_the_last_frame(directory: Path, zeros: int) -> None:
    """What a file system leaves after a power cut."""
    path = files(directory)[3]
    os.truncate(path, path.stat().st_size + zeros)
    assert read(directory) == (all_but(), 0, zeros)


def test_a_block_is_zeroed(directory: Path) -> None:
    """A page at the start of a file, its header with it."""
    with files(directory)[2].open("r+b") as file:
        file.write(bytes(4096))
    assert read(directory) == (all_but(8), 1, 0)


@pytest.mark.parametrize("place", [0, 3])
def test_all_segment_headers_are_gone(directory: Path, place: int) -> None:
    for path in files(directory)[place:]:
        with path.open("r+b") as file:
            file.write(bytes(SEGMENT_HEADER_BYTES))
    assert read(directory) == (all_but(), 0, 0)


def test_files_that_are_not_ours_stay(directory: Path) -> None:
    for name in ("notes.txt", "backup.journal", "123.journal", "00000000000000000000.journal.bak"):
        (directory / name).write_text("?")
    (directory / "folder").mkdir()
    assert read(directory) == (all_but(), 0, 0)
    assert len([path for path in directory.iterdir() if path.suffix != ".journal"]) == 4


def test_open_reads_the_last_segment_only(directory: Path) -> None:
    """Start time does not depend on the backlog: older files are not read, so damage in them is not seen yet."""
    first = files(directory)[0]
    first.write_bytes(first.read_bytes()[:SEGMENT_HEADER_BYTES] + bytes(4 * FRAME_BYTES))
    journal = Journal.open(directory, CONFIG)
    assert (journal.truncated_bytes, journal.damaged) == (0, 0)
    assert [frame.body[0] for frame in journal.read(0)] == all_but(0, 1, 2, 3)
    assert journal.damaged == 1
    journal.close()


def swap_files(directory: Path) -> None:
    first, second = files(directory)[:2]
    first.rename(directory / "spare")
    second.rename(first)
    (directory / "spare").rename(second)


def copy_file(directory: Path) -> None:
    first, second = files(directory)[:2]
    second.write_bytes(first.read_bytes())


@pytest.mark.parametrize(("mix_up", "lost"), [(swap_files, range(8)), (copy_file, range(4, 8))])
def test_a_file_under_a_wrong_name_is_no_source(directory: Path, mix_up: Callable[[Path], None], lost: range) -> None:
    """A frame proves its position, so nothing is read twice or in a wrong order."""
    mix_up(directory)
    numbers, damaged, _ = read(directory)
    assert numbers == all_but(*lost)
    assert damaged >= 1


@pytest.mark.slow
def test_two_gigabytes_open_quickly_in_little_memory(tmp_path: Path) -> None:
    """R7: less than 3 s, in no more memory than a small one. Old files are sparse; the last is all small frames."""
    config = JournalConfig(max_bytes=4 << 30)
    directory = tmp_path / "journal"
    directory.mkdir()
    size = 64 << 20
    for number in range(33):
        descriptor, segment = create(directory, SegmentHeader(number * size, 1, number * size))
        os.close(descriptor)
        os.truncate(segment.path, SEGMENT_HEADER_BYTES + size)
    journal = Journal.open(directory, config)
    for _ in range(200_000):
        journal.submit(FrameKind.OTLP_TRACES, b"x", lambda _: None)
    end = journal.append(FrameKind.TICK, b"")
    journal.close()
    assert sum(path.stat().st_size for path in files(directory)) > 2 << 30
    before_kib = resident_kib()
    began_s = time.process_time()
    journal = Journal.open(directory, config)
    took_s = time.process_time() - began_s
    grown_kib = resident_kib() - before_kib
    assert journal.end == end
    journal.close()
    assert took_s < 3
    assert grown_kib < 64 << 10


def resident_kib() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * (os.sysconf("SC_PAGE_SIZE") >> 10)
