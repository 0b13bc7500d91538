"""The journal (P2): durable, in order, positions never reused, full and sick are answers and pass."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from spanwand_sidecar.journal import (
    Frame,
    FrameKind,
    Journal,
    JournalClosed,
    JournalConfig,
    JournalError,
)
from spanwand_sidecar.journal.frame import FRAME_HEADER_BYTES
from spanwand_sidecar.journal.seal import SEAL_BYTES

CONFIG = JournalConfig()
FRAME_BYTES = FRAME_HEADER_BYTES + SEAL_BYTES
TRACES = FrameKind.OTLP_TRACES


@contextmanager
def journal_in(directory: Path, config: JournalConfig = CONFIG) -> Iterator[Journal]:
    journal = Journal.open(directory / "journal", config)
    try:
        yield journal
    finally:
        journal.close()


def bodies(journal: Journal, position: int = 0) -> list[bytes]:
    return [frame.body for frame in journal.read(position)]


def files(directory: Path) -> list[Path]:
    return sorted((directory / "journal").glob("*.journal"))


def test_what_is_appended_is_read_back_in_order(tmp_path: Path) -> None:
    with journal_in(tmp_path) as journal:
        ends = [journal.append(kind, kind.name.encode()) for kind in FrameKind]
        frames = list(journal.read(0))
        assert [(frame.kind, frame.body, frame.end) for frame in frames] == [
            (kind, kind.name.encode(), end) for kind, end in zip(FrameKind, ends, strict=True)
        ]
        assert [frame.start for frame in frames] == [0, *ends[:-1]]
        assert journal.end == ends[-1]
        assert bodies(journal, ends[2]) == [kind.name.encode() for kind in list(FrameKind)[3:]]


def test_frames_survive_a_restart_and_positions_go_on(tmp_path: Path) -> None:
    with journal_in(tmp_path) as journal:
        end = journal.append(TRACES, b"one")
    with journal_in(tmp_path) as journal:
        assert journal.truncated_bytes == 0
        assert journal.end == end
        journal.append(TRACES, b"two")
        assert [frame.start for frame in journal.read(0)] == [0, end]
        assert [journal.arrival_ns(frame.start) for frame in journal.read(0)] == [f.arrival_ns for f in journal.read(0)]
        assert journal.arrival_ns(journal.end) is None
        assert bodies(journal) == [b"one", b"two"]


def test_a_killed_process_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    """P2, by kill -9: every position that was printed after its append is there."""
    program = (
        "import sys, threading; from pathlib import Path; from spanwand_sidecar.journal import *\n"
        "journal = Journal.open(Path(sys.argv[1]), JournalConfig())\n"
        "def run(name):\n"
        "    for i in range(10**9):\n"
        "        body = f'{name}-{i}'; end = journal.append(FrameKind.OTLP_TRACES, body.encode())\n"
        "        sys.stdout.write(f'{end} {body}\\n'); sys.stdout.flush()\n"
        "for name in range(4): threading.Thread(target=run, args=(name,)).start()\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program, tmp_path / "journal"], stdout=subprocess.PIPE)
    assert process.stdout is not None
    acknowledged = [process.stdout.readline() for _ in range(300)]
    process.send_signal(signal.SIGKILL)
    acknowledged += process.stdout.readlines()
    process.stdout.close()
    process.wait()
    with journal_in(tmp_path) as journal:
        stored = {frame.end: frame.body for frame in journal.read(0)}
    for line in acknowledged:
        if match := re.fullmatch(rb"(\d+) (\d+-\d+)\n", line):
            assert stored[int(match[1])] == match[2]


def test_many_threads_share_syncs(tmp_path: Path) -> None:
    """Group commit: fewer syncs than appends, and every append gets the end of its own frame."""
    with journal_in(tmp_path) as journal:
        ends: dict[int, bytes] = {}

        def run(name: int) -> None:
            for i in range(50):
                body = f"{name}/{i}".encode()
                ends[journal.append(TRACES, body)] = body

        threads = [threading.Thread(target=run, args=(name,)) for name in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {frame.end: frame.body for frame in journal.read(0)} == ends
        assert len(ends) == 800
        assert 0 < journal.syncs < 800


def test_arrival_never_goes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of journal time close although the wall clock is set back by an hour, also across a restart."""
    hour_ns = 3_600 * 10**9
    real_time_ns = time.time_ns
    with journal_in(tmp_path) as journal:
        journal.append(TRACES, b"")
        monkeypatch.setattr(time, "time_ns", lambda: real_time_ns() - hour_ns)
        journal.append(TRACES, b"")
        time.sleep(0.01)
        journal.append(TRACES, b"")
    with journal_in(tmp_path) as journal:
        journal.append(TRACES, b"")
        monkeypatch.setattr(time, "time_ns", lambda: real_time_ns() + hour_ns)
        journal.append(TRACES, b"")
        arrivals = [frame.arrival_ns for frame in journal.read(0)]
    assert arrivals == sorted(arrivals)
    assert arrivals[2] - arrivals[1] >= 10**7
    assert arrivals[4] - arrivals[3] > hour_ns // 2


def test_arrival_is_kept_when_only_an_empty_segment_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with journal_in(tmp_path, JournalConfig(segment_bytes=4096, max_bytes=1 << 16)) as journal:
        for _ in range(3):
            journal.append(TRACES, bytes(4000))
        last_ns = [frame.arrival_ns for frame in journal.read(0)][-1]
        journal.release(journal.end)
        assert journal.segments == 1
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    with journal_in(tmp_path) as journal:
        journal.append(TRACES, b"next")
        assert list(journal.read(0))[-1].arrival_ns >= last_ns


def test_release_deletes_whole_files_below_and_keeps_the_position(tmp_path: Path) -> None:
    with journal_in(tmp_path, JournalConfig(segment_bytes=4096, max_bytes=1 << 16)) as journal:
        ends = [journal.append(TRACES, bytes(3000)) for _ in range(5)]
        assert journal.segments == len(files(tmp_path)) == 5
        journal.release(ends[1] - 1)
        assert journal.start == ends[0]
        journal.release(ends[4])
        assert journal.segments == len(files(tmp_path)) == 1
        assert journal.size_bytes == files(tmp_path)[0].stat().st_size
    with journal_in(tmp_path) as journal:
        assert journal.append(TRACES, b"") > ends[4]


@pytest.mark.parametrize("cut", [1, 10, 30])
def test_a_torn_tail_is_cut_counted_and_never_reused(tmp_path: Path, cut: int) -> None:
    with journal_in(tmp_path) as journal:
        end = journal.append(TRACES, b"whole")
        journal.append(TRACES, b"torn by a crash")
    (path,) = files(tmp_path)
    size = path.stat().st_size
    os.truncate(path, size - cut)
    with journal_in(tmp_path) as journal:
        assert journal.truncated_bytes == FRAME_BYTES + 15 - cut
        assert journal.end == end
        assert not journal.wait(end, 0)
        journal.append(TRACES, b"next")
        frames = list(journal.read(0))
        assert [frame.body for frame in frames] == [b"whole", b"next"]
        assert frames[1].start == end + FRAME_BYTES + 15 - cut


def test_damage_in_the_middle_costs_one_frame_and_is_counted_once(tmp_path: Path) -> None:
    with journal_in(tmp_path) as journal:
        ends = [journal.append(TRACES, body) for body in (b"one", b"two", b"three")]
        with files(tmp_path)[0].open("r+b") as file:
            file.seek(last := 64 + ends[2] - 1)
            (stored,) = file.read(1)
            file.seek(last)
            file.write(bytes([stored ^ 1]))
        assert bodies(journal) == [b"one", b"two"]
        assert bodies(journal, ends[1]) == []
        assert not journal.wait(ends[1], 0)
        assert journal.damaged == 1
        journal.append(TRACES, b"four")
        assert journal.wait(ends[1], 0)
        assert bodies(journal, ends[1]) == [b"four"]


def test_wait_returns_when_something_comes_or_on_close(tmp_path: Path) -> None:
    with journal_in(tmp_path) as journal:
        assert not journal.wait(0, 0.01)
        threading.Timer(0.05, journal.append, (TRACES, b"x")).start()
        assert journal.wait(0, 10)
        threading.Timer(0.05, journal.close).start()
        assert not journal.wait(journal.end, 10)


def test_submit_answers_from_the_writer_and_close_stores_what_is_queued(tmp_path: Path) -> None:
    answers: list[int | JournalError] = []
    with journal_in(tmp_path) as journal:
        for _ in range(100):
            journal.submit(TRACES, b"x", answers.append)
    assert answers == [(FRAME_BYTES + 1) * (i + 1) for i in range(100)]
    with pytest.raises(JournalClosed):
        journal.append(TRACES, b"too late")


def test_a_reader_goes_on_while_what_it_passed_is_released(tmp_path: Path) -> None:
    with journal_in(tmp_path, JournalConfig(segment_bytes=4096, max_bytes=1 << 16)) as journal:
        for i in range(5):
            journal.append(TRACES, bytes([i]) * 3000)
        seen: list[Frame] = []
        for frame in journal.read(0):
            journal.release(frame.end)
            seen.append(frame)
        assert [frame.body[0] for frame in seen] == [0, 1, 2, 3, 4]
