"""R3: a journal cut anywhere, and with any bit flipped, in its last 4 KB: only what is hit is lost, and it is told."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest

from spanwand_sidecar.journal import FrameKind, Journal, JournalConfig
from spanwand_sidecar.journal.frame import FRAME_HEADER_BYTES
from spanwand_sidecar.journal.seal import SEAL_BYTES
from spanwand_sidecar.journal.segment import SEGMENT_HEADER_BYTES

MEMORY = Path("/dev/shm")  # noqa: S108  # a private folder is made in it
TAIL_BYTES = 4096
CONFIG = JournalConfig(segment_bytes=1 << 14, max_bytes=1 << 20)
SEED = 3


class Found(msgspec.Struct, frozen=True):
    """What a journal says after it was opened and read to its end, twice: the second time nothing may be new."""

    frames: dict[int, bytes]
    truncated_bytes: int
    damaged: int


class Written(msgspec.Struct, frozen=True):
    """The journal as it was before any damage."""

    path: Path
    """Its last segment."""
    data: bytes
    frames: dict[int, bytes]
    """Body by end position, of all segments."""

    @property
    def base(self) -> int:
        return int(self.path.stem)

    @property
    def tail(self) -> range:
        """Offsets of the last segment's last bytes, its header left out."""
        return range(max(SEGMENT_HEADER_BYTES, len(self.data) - TAIL_BYTES), len(self.data))

    def hit(self, offset: int) -> int:
        """The end of the frame that the byte at `offset` of the last segment belongs to."""
        position = offset - SEGMENT_HEADER_BYTES + self.base
        return min(end for end in self.frames if end > position)


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """In memory if there is such a disk: thousands of journals are opened, and each open syncs."""
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else tmp_path) as folder:
        yield Path(folder) / "data" / "journal"


@pytest.fixture
def written(directory: Path) -> Written:
    """Two segments; frames from empty to more than a block."""
    rng = random.Random(SEED)
    sizes = [5000, 6000, 4000, *(rng.choice([0, 1, 23, 24, 25, 60, 200, 700]) for _ in range(60)), 3, 300]
    journal = Journal.open(directory, CONFIG)
    frames = {}
    for size in sizes:
        body = rng.randbytes(size)
        frames[journal.append(FrameKind.OTLP_TRACES, body)] = body
    journal.close()
    path = max(directory.glob("*.journal"))
    assert len(list(directory.glob("*.journal"))) == 2
    return Written(path, path.read_bytes(), frames)


def found_with(written: Written, data: bytes) -> Found:
    """Put `data` in the place of the last segment; open, read, add a frame, open and read again."""
    for path in written.path.parent.glob("*.journal"):
        if path.stem > written.path.stem:
            path.unlink()
    written.path.write_bytes(data)
    journal = Journal.open(written.path.parent, CONFIG)
    try:
        frames = {frame.end: frame.body for frame in journal.read(0)}
        return Found(frames, journal.truncated_bytes, journal.damaged)
    finally:
        journal.close()


def without(written: Written, *ends: int) -> dict[int, bytes]:
    return {end: body for end, body in written.frames.items() if end not in ends}


def cuts(written: Written) -> Iterator[tuple[int, Found]]:
    for size in written.tail:
        yield size, found_with(written, written.data[:size])


def test_cut_at_every_byte(written: Written, report: Callable[[str], None]) -> None:
    tried = 0
    for size, found in cuts(written):
        end = size - SEGMENT_HEADER_BYTES + written.base
        whole = {frame_end: body for frame_end, body in written.frames.items() if frame_end <= end}
        assert found == Found(whole, end - max(whole), 0), size
        tried += 1
    report(f"R3 journal cut at each of the last {tried:,} bytes: every whole frame read, bytes lost told exactly")


def test_a_flipped_bit_anywhere(written: Written, report: Callable[[str], None]) -> None:
    """Each byte of the tail once, a random bit of it: one frame is lost, and it is the one that was hit."""
    rng = random.Random(SEED)
    last = max(written.frames)
    for offset in written.tail:
        data = bytearray(written.data)
        data[offset] ^= 1 << rng.randrange(8)
        found = found_with(written, bytes(data))
        end = written.hit(offset)
        assert found.frames == without(written, end), offset
        size = FRAME_HEADER_BYTES + SEAL_BYTES + len(written.frames[end])
        assert (found.truncated_bytes, found.damaged) == ((size, 0) if end == last else (0, 1)), offset
    report(f"R3 bit flipped in each of the last {len(written.tail):,} bytes: one frame lost, and counted")


def zeros(size: int) -> bytes:
    return bytes(size)


def test_stretches_of_zeros_and_of_noise(written: Written) -> None:
    """What a disk leaves of a block that never reached it. Frames that were not touched are all there."""
    rng = random.Random(SEED)
    for _ in range(300):
        begin = rng.choice(written.tail)
        size = rng.choice([1, 16, 512])
        data = bytearray(written.data)
        stretch = slice(begin, min(begin + size, len(data)))
        data[stretch] = rng.choice([rng.randbytes, zeros])(stretch.stop - begin)
        found = found_with(written, bytes(data))
        hit = {written.hit(offset) for offset in range(begin, stretch.stop)}
        assert found.frames.items() >= without(written, *hit).items()
        assert found.frames.items() <= written.frames.items()


def test_a_segment_header_with_any_bit_flipped_costs_nothing(written: Written) -> None:
    for offset in range(SEGMENT_HEADER_BYTES):
        data = bytearray(written.data)
        data[offset] ^= 1 << (offset % 8)
        assert found_with(written, bytes(data)) == Found(written.frames, 0, 0), offset
