"""R5: no space for the journal. Senders are told to wait, nothing unstored is acknowledged, and it heals by itself."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from spanwand_sidecar.status import Status
from tests.faults.disks import fill, small_disk
from tests.faults.kill_rounds import account
from tests.faults.senders import OK, Load, Senders
from tests.faults.targets import Spanwand
from tests.support.daemon import until

REFUSED = "UNAVAILABLE+retry"
HEAL_S = 5.0
SEGMENTS = {"64 KB segments": {"JOURNAL__SEGMENT_BYTES": "65536"}, "64 MB segments": {}}
"""With the default size, the disk is full before a segment is."""
Report = Callable[[str], None]


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Spanwand]:
    with Spanwand(
        tmp_path, "jsonl", JOURNAL__MIN_FREE_BYTES="262144", DEDUPLICATE__MAX_JOURNAL_BYTES="65536"
    ) as target:
        yield target


@pytest.fixture
def journal_disk(target: Spanwand) -> Iterator[Path]:
    with small_disk(target.data_dir / "journal") as path:
        yield path


def flood(target: Spanwand, directory: Path, first: int = 1) -> Senders:
    """Requests of 8 KB as fast as they are answered."""
    return Senders(Load(address=target.address, padding=8_000), directory / "senders", count=1, first=first)


def sink_down(target: Spanwand) -> Path:
    """Keep the sink from opening; returns what to unlink to let it."""
    target.data_dir.mkdir(exist_ok=True)
    obstacle = target.data_dir / "jsonl"
    obstacle.write_text("a file where the sink's directory should be")
    return obstacle


def until_refused(senders: Senders) -> None:
    until(lambda: senders.codes()[REFUSED] > 20, 40)


def heals(target: Spanwand, senders: Senders) -> float:
    """Seconds until a request is acknowledged again; then it stops, and every span is accounted for."""
    begun_s = time.monotonic()
    stored = senders.codes()[OK]
    until(lambda: senders.codes()[OK] > stored + 5, 30)
    took_s = time.monotonic() - begun_s
    senders.stop()
    target.drain()
    found = account(senders.acknowledged(), 0, target.delivered())
    assert (found.lost, found.doubled, found.miscounted, found.miscounted_tokens) == (0, 0, 0, 0)
    assert set(senders.codes()) == {OK, REFUSED}
    return took_s


@pytest.mark.slow
@pytest.mark.parametrize("size", SEGMENTS)
def test_the_journal_fills_its_disk_and_is_emptied(
    target: Spanwand, journal_disk: Path, tmp_path: Path, size: str, report: Report
) -> None:
    """A disk of 2 MB and a sink that is down. Once it is up, delivering alone has to make room."""
    obstacle = sink_down(target)
    target.start(**SEGMENTS[size])
    target.running()
    with flood(target, tmp_path) as senders:
        until_refused(senders)
        obstacle.unlink()
        took_s = heals(target, senders)
        report(f"R5 disk of 2 MB full, sink comes back ({size}): room after {took_s:.1f} s, {dict(senders.codes())}")


@pytest.mark.slow
def test_somebody_else_fills_the_disk(target: Spanwand, journal_disk: Path, tmp_path: Path, report: Report) -> None:
    """To the last byte, in the middle of a frame, while spans arrive."""
    target.running()
    with flood(target, tmp_path) as senders:
        until(lambda: senders.codes()[OK] > 10)
        ballast = fill(journal_disk)
        until_refused(senders)
        assert says_full(target.running().status())
        assert target.running().get("/readyz")[0] == 503
        ballast.unlink()
        took_s = heals(target, senders)
        assert took_s < HEAL_S
        report(f"R5 disk full by somebody else, then not: acknowledges after {took_s:.1f} s, {dict(senders.codes())}")


def says_full(status: Status) -> bool:
    """By what the system said to a write, or before one was tried: which comes first is up to the senders."""
    return "No space left" in status.journal.sick or any("bytes are free on" in why for why in status.reasons)


@pytest.mark.slow
def test_everything_is_on_the_full_disk(target: Spanwand, tmp_path: Path, report: Report) -> None:
    """Journal, commits and what the sink writes."""
    with small_disk(target.data_dir, "32m") as disk:
        ballast = fill(disk, leave=2 << 20)
        target.running()
        with flood(target, tmp_path) as senders:
            until_refused(senders)
            ballast.unlink()
            took_s = heals(target, senders)
            report(f"R5 disk full with sink and commits on it, then not: acknowledges after {took_s:.1f} s")


@pytest.mark.slow
def test_a_start_on_a_full_disk(target: Spanwand, journal_disk: Path, tmp_path: Path) -> None:
    """Killed with a full disk and started on it: refuses, keeps what it has, and heals."""
    obstacle = sink_down(target)
    target.running()
    with flood(target, tmp_path) as senders:
        until_refused(senders)
        target.kill_all()
        ballast = fill(journal_disk)
        target.start()
        refused = senders.codes()[REFUSED]
        until(lambda: senders.codes()[REFUSED] > refused + 5)
        obstacle.unlink()
        ballast.unlink()
        stored = senders.codes()[OK]
        until(lambda: senders.codes()[OK] > stored + 5, 30)
        senders.stop()
        target.drain()
        found = account(senders.acknowledged(), 1, target.delivered())
    assert (found.lost, found.doubled, found.miscounted, found.miscounted_tokens) == (0, 0, 0, 0)


@pytest.mark.slow
def test_a_small_cap(target: Spanwand, tmp_path: Path) -> None:
    """`journal.max_bytes` is kept to, and what is in is delivered."""
    obstacle = sink_down(target)
    target.start(JOURNAL__MAX_BYTES="1000000")
    running = target.running()
    with flood(target, tmp_path) as senders:
        until_refused(senders)
        assert running.status().journal.size_bytes < 1_300_000
        obstacle.unlink()
        heals(target, senders)


@pytest.mark.slow
def test_what_is_remembered_gives_way(tmp_path: Path, report: Report) -> None:
    """A disk smaller than `deduplicate.max_journal_bytes`: what is delivered already does not keep new spans out."""
    target = Spanwand(tmp_path, "jsonl", JOURNAL__MIN_FREE_BYTES="262144")
    with target, small_disk(target.data_dir / "journal") as disk:
        test_the_journal_fills_its_disk_and_is_emptied(target, disk, tmp_path, "64 KB segments", report)
