"""R4: killed at every place where files change hands; then it starts, and nothing is lost or doubled (P2)."""

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import psutil
import pytest

from spanwand_sidecar.journal import FrameKind, Journal, JournalConfig
from spanwand_sidecar.kill_points import VARIABLE, KillPoint
from tests.faults.kill_rounds import account
from tests.faults.senders import Load, Senders
from tests.faults.targets import Spanwand
from tests.support.daemon import until

SMALL = {"JOURNAL__SEGMENT_BYTES": "65536", "JOURNAL__MAX_BYTES": "4000000"}
"""Segments of a tenth of a second, so that they are begun and deleted all the time."""
REACHED_S = 40.0
POINTS: tuple[KillPoint, ...] = get_args(KillPoint)


def tear(target: Spanwand) -> None:
    """Leave half a frame at the journal's end, as a crash in the middle of a write does."""
    directory = target.data_dir / "journal"
    if not directory.exists():
        journal = Journal.open(directory, JournalConfig())
        journal.append(FrameKind.TICK, b"")
        journal.close()
    with max(directory.glob("*.journal")).open("ab") as file:
        file.write(b"\xf5\x9d half a frame")


def killed_at(target: Spanwand, point: str) -> None:
    """Start the daemon and wait until it has ended itself there."""
    target.start(KILL_AT=point)
    process = target.process
    assert process
    until(lambda: process.poll() is not None, REACHED_S)
    assert process.returncode == -9, target.log.read_text()[-3000:]


def survives(target: Spanwand, points: list[str], directory: Path, report: Callable[[str], None]) -> None:
    """Killed at `points`, one after the other, under load."""
    load = Load(address=target.address, spans_per_s=1500)
    with target, Senders(load, directory / "senders") as senders:
        for point in points:
            tear(target)
            killed_at(target, point)
        target.start()
        until(senders.acknowledged)
        senders.stop()
        target.drain()
        found = account(senders.acknowledged(), len(points), target.delivered())
    report(
        f"R4 {', '.join(sorted(set(points))) if len(set(points)) < 3 else 'all points':40} -> {target.sink:6} {found}"
    )
    assert (found.lost, found.doubled, found.miscounted, found.miscounted_tokens) == (0, 0, 0, 0)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_kill_at_every_point(tmp_path: Path, report: Callable[[str], None]) -> None:
    """One after the other, each at its first passing, which must be no crash loop, and at a later one."""
    points = [each for point in POINTS for each in [point, *later(point)]]
    survives(Spanwand(tmp_path, "jsonl", **SMALL), points, tmp_path, report)


@pytest.mark.faults
@pytest.mark.timeout(600)
@pytest.mark.parametrize("point", POINTS)
def test_kills_at_every_point_with_wandb(tmp_path: Path, report: Callable[[str], None], point: str) -> None:
    survives(Spanwand(tmp_path, "wandb", **SMALL), [point] * 3 + later(point) * 5, tmp_path, report)


def later(point: str) -> list[str]:
    """A tail is met once a start; everything else again and again."""
    return [] if point.startswith("tail") else [f"{point}:3"]


def test_a_place_costs_nothing_when_the_switch_is_not_set() -> None:
    """Nothing else reads the variable, and no test leaves it behind."""
    assert VARIABLE not in psutil.Process().environ()
