"""R10: SIGTERM with W&B up, slow, away or silent, and little or much time: in time, and then all is at W&B once."""

import time
from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path

import pytest

from tests.faults.at_wandb import counted_at, rows_at, unverified
from tests.faults.kill_rounds import account
from tests.faults.senders import Load, Senders
from tests.faults.targets import Spanwand
from tests.support.daemon import COMPLETED_S, until
from tests.support.wandb_server import Fault, WandbServer
from tests.support.wandb_server.environment import environment

pytestmark = pytest.mark.timeout(COMPLETED_S + 100)
MARGIN_S = 0.5
BACKENDS: Mapping[str, Callable[[WandbServer], object]] = {
    "up": lambda server: None,
    "slow": lambda server: server.faults.add(Fault("*", "slow", delay_s=1.0)),
    "down": WandbServer.down,
    "hanging": lambda server: server.faults.add(Fault("*", "hang")),
}


def stop_under_load(directory: Path, grace_s: float, backend: str, report: Callable[[str], None]) -> None:
    """Stop while senders go on, start again with W&B up, and wait until the first daemon's runs are completed."""
    with WandbServer() as server:
        target = Spanwand(directory, "wandb", WANDB__MODE="online", WANDB__INIT_TIMEOUT_S="4")
        target.environ = environment(server.url, directory / "home")
        with target, Senders(Load(address=target.address, spans_per_s=300), directory / "senders") as senders:
            target.start(GRACE_S=str(grace_s))
            running = target.running()
            until(lambda: running.status().sinks["wandb"].outcomes.get("delivered"), 40)
            BACKENDS[backend](server)
            time.sleep(1.5)
            begun_s = time.monotonic()
            code = target.stop()
            took_s = time.monotonic() - begun_s
            said = "are left for the next start" in target.log.read_text()
            senders.stop()
            server.faults.clear()
            if backend == "down":
                server.up()
            left = unverified(target.data_dir / "wandb")
            target.start()
            until(lambda: not left & unverified(target.data_dir / "wandb"), COMPLETED_S)
            target.drain()
            found = account(senders.acknowledged(), 0, target.delivered()._replace(rows=rows_at(server)))
            missing = len(rows_at(server)) - counted_at(server)
        assert server.problems() == []
    took = f"stopped in {took_s:4.1f} s, {'something' if said else 'nothing'} left"
    report(f"R10 grace {grace_s:2} s, W&B {backend:7}: {took}; {found}, {missing} not uploaded")
    assert code == 0
    assert (found.lost, found.doubled, found.miscounted, found.miscounted_tokens, missing) == (0, 0, 0, 0, 0)
    assert took_s < grace_s - MARGIN_S


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["up", "down"])
def test_two_seconds(tmp_path: Path, report: Callable[[str], None], backend: str) -> None:
    stop_under_load(tmp_path, 2, backend, report)


@pytest.mark.faults
@pytest.mark.parametrize(("grace_s", "backend"), [(2, "slow"), (2, "hanging"), *product((5, 10, 30), BACKENDS)])
def test_more_time(tmp_path: Path, report: Callable[[str], None], grace_s: float, backend: str) -> None:
    stop_under_load(tmp_path, grace_s, backend, report)
