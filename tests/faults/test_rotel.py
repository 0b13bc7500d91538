"""R1 and R5 against Rotel with the same harness, printed beside ours. Nothing is asserted of it but that it ran."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.disks import small_disk
from tests.faults.kill_rounds import Account, account, kill_rounds, spans_load
from tests.faults.rotel import Rotel
from tests.faults.senders import OK, Load, Senders
from tests.faults.targets import Spanwand
from tests.support.daemon import until

Report = Callable[[str], None]
FLOOD_REQUESTS = 3_000


@pytest.mark.slow
def test_five_kills(tmp_path: Path, report: Report) -> None:
    killed(tmp_path, 5, 2.0, report)


@pytest.mark.faults
@pytest.mark.timeout(3600)
def test_two_hundred_kills(tmp_path: Path, report: Report) -> None:
    killed(tmp_path, 200, 6.0, report)


def killed(directory: Path, rounds: int, pause_s: float, report: Report) -> None:
    with Rotel(directory) as target, Senders(spans_load(target.address), directory / "senders", count=2) as senders:
        kill_rounds(target, rounds, [senders], pause_s)
        found = account(senders.acknowledged(), rounds, target.delivered())
    report(f"R1 rotel    -> otlp   {found}")
    assert found.acknowledged


def flood_while_the_backend_is_down(address: str, directory: Path) -> Senders:
    """Requests of 8 KB, 24 MB in all if they are taken; returns once they are, or are refused again and again."""
    senders = Senders(Load(address=address, padding=8_000), directory / "senders", count=1)
    until(lambda: senders.codes()[OK] > FLOOD_REQUESTS or senders.codes().total() - senders.codes()[OK] > 20, 60)
    senders.stop()
    return senders


def line(name: str, senders: Senders, found: Account) -> str:
    return f"R5 {name:8} backend down, 2 MB of disk, restarted: {found}  answers {dict(senders.codes())}"


@pytest.mark.slow
def test_backend_down_disk_full_and_a_restart(tmp_path: Path, report: Report) -> None:
    """Ours: what does not fit is refused, what was taken comes out after the restart."""
    with Spanwand(tmp_path, "jsonl", JOURNAL__MIN_FREE_BYTES="262144", GRACE_S="3") as target:
        with small_disk(target.data_dir / "journal"):
            obstacle = target.data_dir / "jsonl"
            obstacle.write_text("a file where the sink's directory should be")
            target.running()
            senders = flood_while_the_backend_is_down(target.address, tmp_path)
            assert target.stop() == 0
            obstacle.unlink()
            target.drain()
        found = account(senders.acknowledged(), 0, target.delivered())
    report(line("spanwand", senders, found))
    assert (found.lost, found.doubled, found.miscounted) == (0, 0, 0)
    assert set(senders.codes()) == {OK, "UNAVAILABLE+retry"}


@pytest.mark.slow
def test_rotel_with_its_backend_down_and_a_restart(tmp_path: Path, report: Report) -> None:
    with Rotel(tmp_path) as target:
        target.collector.down()
        target.start()
        senders = flood_while_the_backend_is_down(target.address, tmp_path)
        target.stop()
        target.collector.up()
        target.start()
        target.drain()
        found = account(senders.acknowledged(), 0, target.delivered())
    report(line("rotel", senders, found))
    assert found.acknowledged
