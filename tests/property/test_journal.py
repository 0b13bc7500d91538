"""The journal against any bodies, any damage and any restarts (P2)."""

import random
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from spanwand_sidecar.journal import FrameKind, Journal, JournalConfig
from spanwand_sidecar.journal.frame import FRAME_HEADER_BYTES
from spanwand_sidecar.journal.seal import SEAL_BYTES
from spanwand_sidecar.journal.segment import SEGMENT_HEADER_BYTES
from spanwand_sidecar.receive.prescan import prescan

SMALL = JournalConfig(segment_bytes=4096, max_bytes=1 << 20, min_free_bytes=0)
BODIES = st.lists(st.binary(max_size=3000), max_size=12)


def store(directory: Path, bodies: list[bytes]) -> list[int]:
    journal = Journal.open(directory / "data" / "journal", SMALL)
    try:
        return [journal.append(FrameKind.OTLP_TRACES, body) for body in bodies]
    finally:
        journal.close()


def load(directory: Path) -> dict[int, bytes]:
    journal = Journal.open(directory / "data" / "journal", SMALL)
    try:
        return {frame.end: frame.body for frame in journal.read(0)}
    finally:
        journal.close()


@settings(max_examples=40, deadline=None)
@given(st.lists(BODIES, max_size=4))
def test_all_runs_of_a_process_are_read_back_in_order(runs: list[list[bytes]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ends = [end for bodies in runs for end in store(Path(folder), bodies)]
        stored = load(Path(folder))
    assert list(stored) == ends == sorted(set(ends))
    assert list(stored.values()) == [body for bodies in runs for body in bodies]


@settings(max_examples=60, deadline=None)
@given(BODIES.filter(bool), st.randoms(use_true_random=False), st.integers(1, 3))
def test_any_damage_costs_only_what_it_touches(bodies: list[bytes], rng: random.Random, flips: int) -> None:
    """Never raises, never a frame that was not written, at most as many frames lost as bits flipped (battery R3)."""
    with tempfile.TemporaryDirectory() as folder:
        written = dict(zip(store(Path(folder), bodies), bodies, strict=True))
        for _ in range(flips):
            flip_bit(rng.choice(files(Path(folder))), rng)
        stored = load(Path(folder))
    assert stored.items() <= written.items()
    assert len(written) - len(stored) <= flips


def files(directory: Path) -> list[Path]:
    return sorted((directory / "data" / "journal").glob("*.journal"))


def flip_bit(path: Path, rng: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)


@settings(max_examples=40, deadline=None)
@given(BODIES.filter(bool), st.data())
def test_a_tail_torn_anywhere_loses_only_the_tail(bodies: list[bytes], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ends = store(Path(folder), bodies)
        last = files(Path(folder))[-1]
        base, content = int(last.stem), last.read_bytes()
        size = data.draw(st.integers(SEGMENT_HEADER_BYTES, len(content)))
        last.write_bytes(content[:size])
        assert list(load(Path(folder))) == [end for end in ends if end <= base + size - SEGMENT_HEADER_BYTES]
        (after,) = store(Path(folder), [b"after"])
        assert after == base + size - SEGMENT_HEADER_BYTES + FRAME_HEADER_BYTES + SEAL_BYTES + len(b"after")


@given(st.binary(max_size=200), st.integers(0, 50))
def test_prescan_never_raises(body: bytes, max_parts: int) -> None:
    """P1, K5."""
    assert prescan(body, max_parts).items <= max_parts
