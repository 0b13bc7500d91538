"""The line's thread: every frame once, ticks in quiet times, drain, bugs survived (P2, K2)."""

import time
from collections.abc import Iterator, Sized
from pathlib import Path

import pytest
from tests.support.daemon import until

from spanwand.batch import Batch, RunKey, RunUpdate
from spanwand_sidecar import worker as module
from spanwand_sidecar.feed import DRAIN
from spanwand_sidecar.journal import FrameKind, Journal, JournalConfig
from spanwand_sidecar.log import LineFormatter, as_text
from spanwand_sidecar.worker import Worker


class CountingLine:
    """A line of its own kind: says what it was fed, batches on `drain` and on the third tick after a trace."""

    def __init__(self) -> None:
        self.fed: list[bytes] = []
        self.ticks = 0
        self.ticks_fail = False
        self.waiting = False
        self.end = 0
        self.forgotten: list[int] = []
        self.remembers_from: int | None = None

    @property
    def low(self) -> int:
        if self.remembers_from is not None:
            return self.remembers_from
        return 0 if self.waiting else self.end

    def traces(self, start: int, end: int, arrival_ns: int, body: bytes) -> Batch | None:
        if body == b"bug":
            raise ZeroDivisionError("what the app sent")
        self.ticks_fail = body == b"a window that cannot be closed"
        self.fed.append(body)
        self.waiting, self.ticks = True, 0
        return None

    def logs(self, start: int, end: int, arrival_ns: int, body: bytes) -> Batch | None:
        self.fed.append(body)
        return None

    def metrics(self, start: int, end: int, arrival_ns: int, body: bytes) -> Batch | None:
        return self.logs(start, end, arrival_ns, body)

    def media(self, start: int, end: int, arrival_ns: int, body: bytes) -> Batch | None:
        return self.logs(start, end, arrival_ns, body)

    def gpus(self, start: int, end: int, arrival_ns: int, body: bytes) -> Batch | None:
        return self.logs(start, end, arrival_ns, body)

    def tick(self, start: int, end: int, arrival_ns: int) -> Batch | None:
        if self.ticks_fail:
            raise ZeroDivisionError
        self.ticks, self.end = self.ticks + 1, end
        return self._batch(start) if self.waiting and self.ticks == 3 else None

    def drain(self, start: int, end: int, arrival_ns: int) -> Batch | None:
        return self._batch(end)

    def forget(self, start: int, end: int, arrival_ns: int, before: int) -> Batch | None:
        self.forgotten.append(before)
        self.remembers_from = end if end - before <= 100 else before
        return None

    def _batch(self, seq: int) -> Batch:
        self.waiting = False
        return Batch(seq=seq, low=seq, start_ns=0, end_ns=0, updates=())


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Journal]:
    monkeypatch.setattr(module, "PAUSE_S", 0.02)
    journal = Journal.open(tmp_path, JournalConfig())
    yield journal
    journal.close()


def until_seen(batches: Sized, count: int) -> None:
    deadline = time.monotonic() + 10
    while len(batches) < count:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_frames_in_order_then_drain(journal: Journal) -> None:
    line, batches = CountingLine(), list[Batch]()
    journal.append(FrameKind.OTLP_TRACES, b"before the start")
    worker = Worker(journal, line, batches.append, 0)
    worker.start()
    for number in range(50):
        journal.append(FrameKind.OTLP_TRACES, b"%d" % number)
    assert worker.drain(10)
    assert line.fed == [b"before the start", *(b"%d" % number for number in range(50))]
    assert batches[-1].seq == journal.end == worker.position


def test_nothing_of_its_own_comes_behind_a_drain(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """R10: a tick there would be said to be left for the next start."""
    monkeypatch.setattr(module, "PAUSE_S", 0.0001)
    line, batches = CountingLine(), list[Batch]()
    line.waiting, line.ticks = True, 3  # for ever: ticks are written all the time
    worker = Worker(journal, line, batches.append, 0)
    worker.start()
    until(lambda: line.ticks > 10)
    assert worker.drain(10)
    assert batches[-1].seq == journal.end == worker.position


def test_time_passes_in_quiet_then_the_line_rests(journal: Journal) -> None:
    """Windows close without traffic; then nothing is written, and all of the journal may go."""
    line, batches = CountingLine(), list[Batch]()
    worker = Worker(journal, line, batches.append, 0)
    worker.start()
    journal.append(FrameKind.OTLP_TRACES, b"one")
    until_seen(batches, 2)
    end = journal.end
    assert [batch.low for batch in batches][-1] == end
    time.sleep(0.2)
    assert journal.end == end
    assert worker.drain(10)


def test_an_old_drain_in_a_replay_does_not_stop_the_worker(journal: Journal) -> None:
    journal.append(FrameKind.COMMAND, DRAIN)
    line, batches = CountingLine(), list[Batch]()
    worker = Worker(journal, line, batches.append, 0)
    worker.start()
    until_seen(batches, 1)
    journal.append(FrameKind.OTLP_TRACES, b"later")
    assert worker.drain(10)
    assert line.fed == [b"later"]


def test_a_bug_costs_its_frame_only(journal: Journal, caplog: pytest.LogCaptureFixture) -> None:
    line, batches = CountingLine(), list[Batch]()
    worker = Worker(journal, line, batches.append, 0)
    for body in (b"one", b"bug", b"bug", b"two"):
        journal.append(FrameKind.OTLP_TRACES, body)
    worker.start()
    assert worker.drain(10)
    assert line.fed == [b"one", b"two"]
    assert worker.failed_frames == 2
    (warning,) = [record for record in caplog.records if "line failed" in record.message]
    line_of_log = LineFormatter(as_text).format(warning)
    assert "ZeroDivisionError" in line_of_log
    assert "feed.py" in line_of_log
    assert "what the app sent" not in line_of_log


def test_a_bug_in_closing_a_window_does_not_cost_the_frame_behind_it(journal: Journal) -> None:
    line, batches = CountingLine(), list[Batch]()
    worker = Worker(journal, line, batches.append, 0)
    for body in (b"a window that cannot be closed", b"acknowledged"):
        journal.append(FrameKind.OTLP_TRACES, body)
    worker.start()
    assert worker.drain(10)
    assert line.fed == [b"a window that cannot be closed", b"acknowledged"]
    assert worker.failed_frames == 1


def test_without_room_the_older_half_of_what_is_remembered_goes_again_and_again(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R5: but only once what could be given up was given up, for a sink that is down keeps the journal anyway."""
    for _ in range(5):
        journal.append(FrameKind.OTLP_TRACES, bytes(100))
    journal.close()
    full = Journal.open(tmp_path, JournalConfig(min_free_bytes=1 << 60))
    line, batches = CountingLine(), list[Batch]()
    monkeypatch.setattr(module, "FORGETTING_S", 0.02)
    line.remembers_from = 0
    line.traces = lambda *_: None  # type: ignore[method-assign]  # nothing is ever open
    worker = Worker(full, line, batches.append, 0)
    worker.start()
    until_seen(batches, 2)
    assert line.forgotten == [(batches[0].seq + 1) // 2]
    for count in (2, 3):
        until(lambda: batches[-1].low == line.low)
        full.release(line.low)
        until_seen(line.forgotten, count)
    assert line.forgotten == sorted(set(line.forgotten))
    assert time.time() - worker.forgot_s < 60
    assert worker.drain(10)
    full.close()


def test_drops_are_logged_at_most_once_a_minute(journal: Journal, caplog: pytest.LogCaptureFixture) -> None:
    """K2: a loss has a name, a count and a log line a minute."""
    update = RunUpdate(
        run=RunKey(group="g", job_type="j", name="n"), config={}, points={"spanwand/dropped/invalid_ids": 2}, rows={}
    )
    worker = Worker(journal, CountingLine(), lambda _: None, 0)
    for seq in (1, 2):
        worker._hand_over(Batch(seq=seq, low=seq, start_ns=0, end_ns=0, updates=(update,)))
    assert worker.dropped == {"invalid_ids": 4}
    assert [record.getMessage() for record in caplog.records] == ["dropped: invalid_ids, 2 since the start"]


def test_a_blocked_drain_is_given_up(journal: Journal) -> None:
    line = CountingLine()
    worker = Worker(journal, line, lambda _: time.sleep(1), 0)
    journal.append(FrameKind.OTLP_TRACES, b"one")
    worker.start()
    assert not worker.drain(0.05)
    assert worker.drain(10)


def test_logs_and_metrics_of_which_nothing_comes_do_not_fill_the_journal(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may come without a pause, so that the line never sleeps."""
    monkeypatch.setattr(module, "REST_BYTES", 1000)
    line, batches = CountingLine(), list[Batch]()
    for kind in (FrameKind.OTLP_LOGS, FrameKind.OTLP_METRICS) * 10:
        journal.append(kind, bytes(500))
    worker = Worker(journal, line, batches.append, 0)
    worker.start()
    assert worker.drain(10)
    assert len(line.fed) == 20
    assert len(batches) >= 10
    assert all(batch.low == batch.seq for batch in batches)
