"""R7: a large backlog at start. The daemon is ready soon, works it off in bounded memory, and loses none of it."""

import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue

import pytest

from spanwand_sidecar.journal import FrameKind, Journal, JournalConfig, JournalError
from tests.faults.otlp import keys, request
from tests.faults.targets import Spanwand, peak_rss_mib
from tests.support.daemon import until

READY_S = 3.0
MAX_RSS_MIB = 256
SPANS = 20
PADDING = 40_000
Report = Callable[[str], None]


def backlogged(directory: Path) -> Spanwand:
    """As many rows as a daemon keeps by default; metrics count all."""
    return Spanwand(directory, "jsonl", SAMPLE__ROWS_PER_MINUTE="300000", JOURNAL__MAX_BYTES=str(4 << 30))


def write_backlog(target: Spanwand, size_bytes: int) -> int:
    """Fill the journal as the doors would; returns the number of requests."""
    body = len(request(1, 1, SPANS, padding=PADDING))
    requests = size_bytes // body
    answers: SimpleQueue[int | JournalError] = SimpleQueue()
    journal = Journal.open(target.data_dir / "journal", JournalConfig(max_bytes=4 << 30))
    for number in range(1, requests + 1):
        journal.submit(FrameKind.OTLP_TRACES, request(1, number, SPANS, padding=PADDING), answers.put)
        if number > 500:
            assert isinstance(answers.get(), int)
    journal.close()
    return requests


def start_with_backlog(target: Spanwand, size_bytes: int, report: Report) -> float:
    """Start on a backlog, wait until all of it is out; returns seconds until ready."""
    with target:
        requests = write_backlog(target, size_bytes)
        begun_s = time.monotonic()
        target.start()
        running = target.running()
        ready_s = time.monotonic() - begun_s
        until(lambda: not running.status().journal.backlog_bytes, 600)
        worked_s = time.monotonic() - begun_s
        peak = peak_rss_mib(running.process.pid)
        target.drain()
    delivered = target.delivered()
    report(
        f"R7 backlog of {size_bytes >> 20:,} MiB, {requests * SPANS:,} spans: ready after {ready_s:.2f} s, "
        f"worked off in {worked_s:.0f} s, peak RSS {peak:.0f} MiB"
    )
    assert delivered.counted == requests * SPANS
    sent = {key for number in range(1, requests + 1) for key in keys(1, number, SPANS)}
    assert delivered.rows.keys() <= sent
    assert set(delivered.rows.values()) == {1}
    assert peak < MAX_RSS_MIB
    return ready_s


@pytest.mark.slow
def test_200_mb(tmp_path: Path, report: Report) -> None:
    start_with_backlog(backlogged(tmp_path), 200 << 20, report)


@pytest.mark.faults
@pytest.mark.timeout(1800)
def test_2_gb(tmp_path: Path, report: Report) -> None:
    assert start_with_backlog(backlogged(tmp_path), 2 << 30, report) < READY_S
