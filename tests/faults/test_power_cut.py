"""R2, R6: the disk under the journal is torn out under load, as by a power cut, and put back (P2)."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from tests.faults.disks import Disk
from tests.faults.kill_rounds import account
from tests.faults.senders import OK, Load, Senders
from tests.faults.targets import Spanwand
from tests.support.daemon import until

REFUSED = "UNAVAILABLE+retry"
SEED = 20_261_121
Report = Callable[[str], None]


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Spanwand]:
    with Spanwand(tmp_path, "jsonl", JOURNAL__MIN_FREE_BYTES="0") as target:
        yield target


@pytest.fixture
def disk(target: Spanwand, tmp_path: Path) -> Iterator[Disk]:
    with Disk(target.data_dir / "journal", tmp_path / "disk.img") as disk:
        yield disk


def load(target: Spanwand, directory: Path) -> Senders:
    return Senders(Load(address=target.address, spans_per_s=1000), directory / "senders", count=2)


def assert_nothing_lost(target: Spanwand, senders: Senders, kills: int) -> str:
    senders.stop()
    target.drain()
    found = account(senders.acknowledged(), kills, target.delivered())
    assert (found.lost, found.doubled, found.miscounted, found.miscounted_tokens) == (0, 0, 0, 0)
    return str(found)


@contextmanager
def held(process: psutil.Process) -> Iterator[None]:
    """A process stands still, all calls of its threads over."""
    process.suspend()
    tasks = Path(f"/proc/{process.pid}/task")
    until(
        lambda: all(task.joinpath("stat").read_text().rpartition(")")[2].split()[0] == "T" for task in tasks.iterdir())
    )
    try:
        yield
    finally:
        with suppress(psutil.NoSuchProcess):
            process.resume()


@pytest.mark.slow
def test_the_disk_goes_away(target: Spanwand, disk: Disk, tmp_path: Path, report: Report) -> None:
    """R6: every write fails. The daemon lives, says why, tells senders to wait at once, and stops in order."""
    running = target.running()
    with load(target, tmp_path) as senders:
        until(lambda: senders.codes()[OK] > 20)
        with held(psutil.Process(running.process.pid)):
            disk.tear_out()
        until(lambda: senders.codes()[REFUSED] > 20)
        assert "Input/output error" in running.status().journal.sick
        assert running.get("/livez")[0] == 200
        assert running.get("/readyz")[0] == 503
        assert "Input/output error" in running.get("/readyz")[2]
        stored = senders.codes()[OK]
        until(lambda: senders.codes()[REFUSED] > 100)
        assert senders.codes()[OK] == stored
        assert target.stop() == 0
        took_s = senders.took_s(0.99)
        disk.put_back()
        target.start()
        until(lambda: senders.codes()[OK] > stored, 30)
        found = assert_nothing_lost(target, senders, 0)
    report(f"R6 EIO under load: p99 of all answers {1000 * took_s:.0f} ms, readyz 503, livez 200; {found}")


def power_cuts(target: Spanwand, disk: Disk, directory: Path, rounds: int) -> str:
    rng = random.Random(SEED)
    with load(target, directory) as senders:
        for _ in range(rounds):
            target.start()
            before = len(senders.acknowledged())
            until(lambda before=before: len(senders.acknowledged()) > before, 30)  # type: ignore[misc]  # lambda
            time.sleep(rng.uniform(0, 1.5))
            assert target.process
            with held(psutil.Process(target.process.pid)):
                disk.tear_out()
                target.kill_all()
            disk.put_back()
        return assert_nothing_lost(target, senders, rounds)


@pytest.mark.slow
def test_three_power_cuts(target: Spanwand, disk: Disk, tmp_path: Path, report: Report) -> None:
    """R2: what was acknowledged had been synced, so it is there."""
    report(f"R2 power cut under load: {power_cuts(target, disk, tmp_path, 3)}")


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_fifty_power_cuts(target: Spanwand, disk: Disk, tmp_path: Path, report: Report) -> None:
    report(f"R2 power cut under load: {power_cuts(target, disk, tmp_path, 50)}")
