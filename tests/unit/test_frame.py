"""The bytes of a frame and of a segment (P2): what proves itself, and what cannot pass for a frame."""

import os
from pathlib import Path

import pytest

from spanwand_sidecar.journal.errors import JournalUnusable
from spanwand_sidecar.journal.frame import (
    FRAME_HEADER_BYTES,
    Damage,
    FrameKind,
    Header,
    checksum,
    pack_header,
    parse_header,
)
from spanwand_sidecar.journal.scan import scan
from spanwand_sidecar.journal.segment import SEGMENT_HEADER_BYTES, SegmentHeader, create, find, write_all

BODY = b"forty-two"
HEADER = Header(FrameKind.OTLP_TRACES, len(BODY), 1_700_000_000_000_000_000, checksum(BODY))


def test_header_round_trip() -> None:
    assert parse_header(4096, pack_header(4096, HEADER)) == HEADER


def test_header_is_the_documented_size() -> None:
    assert len(pack_header(0, HEADER)) == FRAME_HEADER_BYTES == 24


@pytest.mark.parametrize("byte", range(FRAME_HEADER_BYTES))
def test_any_changed_byte_is_found(byte: int) -> None:
    data = bytearray(pack_header(7, HEADER))
    data[byte] ^= 0x10
    assert parse_header(7, bytes(data)) is None


def test_a_header_at_another_position_is_not_a_frame() -> None:
    """A stale block, or bytes a sender made look like a frame, carry another position (P2, K5)."""
    assert parse_header(8, pack_header(7, HEADER)) is None


def test_a_cut_header_is_not_a_frame() -> None:
    assert parse_header(0, pack_header(0, HEADER)[:-1]) is None


def segment_of(directory: Path, bodies: list[bytes]) -> tuple[Path, list[int]]:
    descriptor, segment = create(directory, SegmentHeader(1000, 5))
    position, starts = 1000, []
    for body in bodies:
        starts.append(position)
        frame = pack_header(position, Header(FrameKind.TICK, len(body), 6, checksum(body))) + body
        write_all(descriptor, frame)
        position += len(frame)
    os.close(descriptor)
    return segment.path, [*starts, position]


def scan_file(path: Path, stop: int) -> list[object]:
    with path.open("rb") as file:
        return [item if isinstance(item, Damage) else item.body for item in scan(file.fileno(), 1000, 1000, stop)]


def test_scan_reads_frames_larger_than_its_buffer(tmp_path: Path) -> None:
    bodies = [b"", b"a" * 1_000_000, b"b", b"c" * 300_000]
    path, starts = segment_of(tmp_path, bodies)
    assert scan_file(path, starts[-1]) == bodies


def test_a_damaged_body_costs_its_frame_only(tmp_path: Path) -> None:
    path, starts = segment_of(tmp_path, [b"one", b"two", b"three"])
    damage(path, starts[1] - 1000 + FRAME_HEADER_BYTES)
    assert scan_file(path, starts[-1]) == [b"one", Damage(starts[1], starts[2]), b"three"]


def test_a_damaged_header_costs_its_frame_only(tmp_path: Path) -> None:
    path, starts = segment_of(tmp_path, [b"one", b"x" * 20_000, b"three"])
    damage(path, starts[1] - 1000 + 4)
    assert scan_file(path, starts[-1]) == [b"one", Damage(starts[1], starts[2]), b"three"]


def test_a_newer_version_is_refused_untouched(tmp_path: Path) -> None:
    path, _ = segment_of(tmp_path, [b"one"])
    data = bytearray(path.read_bytes())
    data[8] = 2
    data[60:64] = checksum(bytes(data[:60])).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(JournalUnusable, match="newer version"):
        find(tmp_path)
    assert path.read_bytes() == data


def test_a_damaged_segment_header_loses_nothing(tmp_path: Path) -> None:
    path, starts = segment_of(tmp_path, [b"one", b"two"])
    with path.open("r+b") as file:
        file.write(b"?" * 20)
    (segment,) = find(tmp_path)
    assert (segment.base, segment.end) == (1000, starts[-1])


def test_segments_are_private_and_other_files_are_left_alone(tmp_path: Path) -> None:
    """K5: 0600. R3: foreign files."""
    path, _ = segment_of(tmp_path, [])
    assert path.stat().st_mode & 0o777 == 0o600
    foreign = ("00000000000000009999.new", "7.journal", "\u0660" * 20 + ".journal", "notes.journal", "core")
    for name in foreign:
        (tmp_path / name).write_bytes(b"?")
    assert [segment.path for segment in find(tmp_path)] == [path]
    assert all((tmp_path / name).exists() for name in foreign)


def damage(path: Path, offset: int) -> None:
    with path.open("r+b") as file:
        file.seek(SEGMENT_HEADER_BYTES + offset)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 0xFF]))
