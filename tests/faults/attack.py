"""What an attack does to others: a healthy sender in a process of its own, before the attack and during it."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec
import psutil

from tests.faults.kill_rounds import account
from tests.faults.senders import OK, Load, Senders
from tests.faults.targets import Spanwand, peak_rss_mib
from tests.support.daemon import until

QUIET_S = 2.0
ANSWERS = 100
REFUSED = "UNAVAILABLE+retry"


class Harm(msgspec.Struct, frozen=True, kw_only=True):
    """What it was like for the healthy sender, and what the daemon took meanwhile. Times are of whole requests."""

    quiet_p99_s: float
    p99_s: float
    most_s: float
    answers: Counter[str]
    peak_rss_mib: float
    most_files: int

    def __str__(self) -> str:
        return (
            f"healthy sender p99 {1000 * self.quiet_p99_s:.0f} -> {1000 * self.p99_s:.0f} ms, "
            f"at most {1000 * self.most_s:.0f} ms, {dict(self.answers)}, lost 0; "
            f"peak RSS {self.peak_rss_mib:.0f} MiB, {self.most_files} files open"
        )


def harm_of(target: Spanwand, directory: Path, attack: Callable[[], object]) -> Harm:
    """Attack a daemon that others use. It must live, and what it acknowledged must come out once."""
    load = Load(address=target.address, spans_per_s=500, max_spans=10, in_flight=2)
    process = psutil.Process(target.running().process.pid)
    with Senders(load, directory / "senders", count=1) as quiet:
        until(lambda: len(quiet.answers()) > ANSWERS)
        time.sleep(QUIET_S)
    with Senders(load, directory / "senders", count=1, first=2) as senders:
        until(senders.answers)
        over, most_files = threading.Event(), [0]
        watcher = threading.Thread(target=_watch, args=(process, over, most_files))
        watcher.start()
        try:
            attack()
        finally:
            over.set()
            watcher.join()
        seen = len(senders.answers())
        until(lambda: len(senders.answers()) > seen)
    peak = peak_rss_mib(process.pid)
    target.drain()
    found = account(quiet.acknowledged() | senders.acknowledged(), 0, target.delivered())
    assert (found.lost, found.doubled) == (0, 0)
    answers = senders.codes()
    assert set(answers) <= {OK, REFUSED}
    return Harm(
        quiet_p99_s=quiet.took_s(0.99),
        p99_s=senders.took_s(0.99),
        most_s=senders.took_s(1),
        answers=answers,
        peak_rss_mib=peak,
        most_files=most_files[0],
    )


def _watch(process: psutil.Process, over: threading.Event, most_files: list[int]) -> None:
    while not over.wait(0.05):
        most_files[0] = max(most_files[0], process.num_fds())
