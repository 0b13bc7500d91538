"""Design §8, A6: ready in time, whatever W&B does. Asserted here only, where nothing else takes the machine's time."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.targets import Spanwand
from tests.support.online import ABSENT
from tests.support.wandb_server import WandbServer
from tests.support.wandb_server.environment import environment

READY_S = 3.0


@pytest.mark.faults
@pytest.mark.parametrize("name", ABSENT)
def test_ready_in_time(tmp_path: Path, report: Callable[[str], None], name: str) -> None:
    begin, _, _ = ABSENT[name]
    with WandbServer(up=False) as server, Spanwand(tmp_path, "wandb", WANDB__MODE="online") as target:
        begin(server)
        target.environ = environment(server.url, tmp_path / "home")
        begun_s = time.monotonic()
        target.running()
        ready_s = time.monotonic() - begun_s
    report(f"A6 W&B {name}: ready after {ready_s:.2f} s")
    assert ready_s < READY_S
