"""R9: a second daemon on the journal or the port of the first. It says so and ends; the first does not notice."""

import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.kill_rounds import account
from tests.faults.senders import OK, Load, Senders
from tests.faults.targets import Spanwand
from tests.support.daemon import COMMAND, environment, until


def refused(data_dir: Path, address: str) -> tuple[float, str]:
    """Seconds until a second daemon has given up, and what it says."""
    begun_s = time.monotonic()
    environ = environment(data_dir, LISTEN__GRPC=address)
    done = subprocess.run([*COMMAND, "up"], env=environ, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    return time.monotonic() - begun_s, done.stderr.splitlines()[-1]


@pytest.mark.slow
def test_a_second_daemon(tmp_path: Path, report: Callable[[str], None]) -> None:
    target = Spanwand(tmp_path, "jsonl")
    with target, ExitStack() as stack:
        target.running()  # before the senders: the only refusals left would be the second daemon's doing
        senders = stack.enter_context(Senders(Load(address=target.address, spans_per_s=500), tmp_path / "senders"))
        until(senders.acknowledged)
        same_journal_s, why = refused(target.data_dir, "127.0.0.1:0")
        assert "is in use by process" in why
        same_port_s, why = refused(tmp_path / "other", target.address)
        assert target.address in why
        senders.stop()
        assert set(senders.codes()) == {OK}
        target.drain()
        found = account(senders.acknowledged(), 0, target.delivered())
    report(
        f"R9 second daemon: refused after {same_journal_s:.1f} s (journal), {same_port_s:.1f} s (port); first: {found}"
    )
    assert (found.lost, found.doubled, found.miscounted) == (0, 0, 0)
