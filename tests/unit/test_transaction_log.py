"""The reader of W&B's transaction log: whole, growing, torn and damaged files (P2, R3)."""

import random
import zlib
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanwand.errors import NotReadable
from spanwand.sinks.wandb.transaction_log import BLOCK_BYTES, HEADER, PREFIX, ChunkType, TransactionLog, write_log


def chunk(kind: ChunkType, data: bytes) -> bytes:
    return PREFIX.pack(zlib.crc32(bytes((kind,)) + data), len(data), kind) + data


def cut(record: bytes, position: int) -> Iterable[bytes]:
    """The record as a writer at `position` puts it down: padding, then one chunk per block it touches."""
    is_first = True
    while True:
        room = BLOCK_BYTES - position % BLOCK_BYTES
        if room < PREFIX.size:
            yield bytes(room)
            room, position = BLOCK_BYTES, position + room
        piece, record = record[: room - PREFIX.size], record[room - PREFIX.size :]
        kinds = (ChunkType.FIRST, ChunkType.FULL) if is_first else (ChunkType.MIDDLE, ChunkType.LAST)
        yield chunk(kinds[not record], piece)
        if not record:
            return
        is_first, position = False, position + PREFIX.size + len(piece)


def written(records: Iterable[bytes]) -> bytes:
    content = bytearray(HEADER)
    for record in records:
        content += b"".join(cut(record, len(content)))
    return bytes(content)


def some_records(count: int = 60) -> list[bytes]:
    draw = random.Random(1)
    return [draw.randbytes(draw.choice((0, 1, 100, 3_000, 32_761, 32_768, 70_000))) for _ in range(count)]


def test_records_of_every_length_come_back(tmp_path: Path) -> None:
    records = some_records()
    path = tmp_path / "run.wandb"
    path.write_bytes(written(records))
    log = TransactionLog(path)
    assert list(log.records()) == records
    assert (log.unread_bytes, log.damaged_blocks) == (0, 0)
    assert list(log.records()) == []


@given(st.lists(st.integers(min_value=1, max_value=40_000), max_size=40))
def test_a_growing_file_is_read_once_whatever_the_steps(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int]
) -> None:
    records = some_records(12)
    content = written(records)
    path = tmp_path_factory.mktemp("log") / "run.wandb"
    log, end = TransactionLog(path), 0
    seen: list[bytes] = []
    for step in [*steps, len(content)]:
        end = min(end + step, len(content))
        path.write_bytes(content[:end])
        seen += log.records()
    assert seen == records


def test_a_torn_tail_loses_only_the_torn_record(tmp_path: Path) -> None:
    """R3: cut at every byte of the last 300."""
    records = [b"a" * 100] * 8
    content = written(records)
    path = tmp_path / "run.wandb"
    for end in range(len(content) - 300, len(content)):
        path.write_bytes(content[:end])
        log = TransactionLog(path)
        whole = (end - len(HEADER)) // 107
        assert list(log.records()) == records[:whole]
        assert log.unread_bytes == (end - len(HEADER)) % 107


def test_a_flipped_bit_costs_the_rest_of_its_block_only(tmp_path: Path) -> None:
    records = [bytes((index % 256,)) * 1_000 for index in range(200)]
    content = bytearray(written(records))
    content[BLOCK_BYTES + 5_000] ^= 1
    path = tmp_path / "run.wandb"
    path.write_bytes(content)
    log = TransactionLog(path)
    found = list(log.records())
    assert log.damaged_blocks == 1
    assert set(found) < set(records)
    assert found[:30] == records[:30]
    assert found[-100:] == records[-100:]
    assert len(found) > 200 - 35


def test_what_is_no_log_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.wandb"
    path.write_bytes(b"something else")
    with pytest.raises(NotReadable, match="not a W&B transaction log"):
        list(TransactionLog(path).records())


@pytest.mark.parametrize("length", range(len(HEADER)))
def test_a_file_without_its_header_yet_is_empty(tmp_path: Path, length: int) -> None:
    path = tmp_path / "run.wandb"
    path.write_bytes(HEADER[:length])
    assert list(TransactionLog(path).records()) == []


@given(st.lists(st.integers(0, 3 * BLOCK_BYTES), max_size=8), st.integers(BLOCK_BYTES - 40, BLOCK_BYTES))
def test_what_is_written_is_what_wandb_would_write(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], first: int
) -> None:
    """Records that fill a block, leave less than a prefix of it, or go over several."""
    path = tmp_path_factory.mktemp("log") / "run.wandb"
    records = [bytes([number]) * size for number, size in enumerate([first, *sizes], 1)]
    write_log(path, records)
    assert path.read_bytes() == written(records)
    assert list(TransactionLog(path).records()) == records
