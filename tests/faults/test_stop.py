"""R10: SIGTERM with W&B up, slow or away, and little or much time: it keeps to its time, and nothing is lost."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path

import pytest

from tests.faults.kill_rounds import account
from tests.faults.otlp import SpanKey
from tests.faults.senders import Load, Senders
from tests.faults.targets import Spanwand
from tests.support.daemon import until
from tests.support.wandb_server import Fault, WandbServer
from tests.support.wandb_server.environment import environment

MARGIN_S = 0.5
BACKENDS: Mapping[str, Callable[[WandbServer], object]] = {
    "up": lambda server: None,
    "slow": lambda server: server.faults.add(Fault("*", "slow", delay_s=1.0)),
    "down": WandbServer.down,
}


def rows_at(server: WandbServer) -> Counter[SpanKey]:
    """The spans of which W&B has a row, and how many."""
    found = [server.tables(run).get("generations") for run in server.runs]
    records = [record for table in found if table for record in table.records()]
    return Counter((record["trace_id"], record["span_id"]) for record in records)


def counted_at(server: WandbServer) -> int:
    """The spans that the history at W&B counts."""
    return sum(step.get("llm/requests", 0) for run in server.runs for step in server.history(run))


def stop_under_load(directory: Path, grace_s: float, backend: str, report: Callable[[str], None]) -> int:
    """Stop while senders go on, start again with W&B up, drain; returns spans missing in the history at W&B."""
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
            target.drain()
            on_disk = target.delivered()
            found = account(senders.acknowledged(), 0, on_disk._replace(rows=rows_at(server)))
            missing = len(rows_at(server)) - counted_at(server)
        assert server.problems() == []
    left = "something" if said else "nothing"
    took = f"stopped in {took_s:4.1f} s, {left} left"
    report(f"R10 grace {grace_s:2} s, W&B {backend:4}: {took}; {found}, {missing} not uploaded")
    assert code == 0
    assert (found.lost, found.miscounted, found.miscounted_tokens) == (0, 0, 0)
    assert took_s < grace_s - MARGIN_S
    if found.doubled and backend == "down":
        pytest.xfail("W&B went away between taking a Table and saying so: after the stop its rows were sent again")
    assert found.doubled == 0
    return missing


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["up", "down"])
def test_two_seconds(tmp_path: Path, report: Callable[[str], None], backend: str) -> None:
    stop_under_load(tmp_path, 2, backend, report)


@pytest.mark.faults
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("grace_s", "backend"), [(2, "slow"), *product((5, 10, 30), BACKENDS)])
def test_more_time(tmp_path: Path, report: Callable[[str], None], grace_s: float, backend: str) -> None:
    stop_under_load(tmp_path, grace_s, backend, report)


@pytest.mark.faults
@pytest.mark.xfail(strict=False, reason="completed in the background; the drain of this test may end before that")
def test_the_history_is_completed_after_a_stop_without_wandb(tmp_path: Path, report: Callable[[str], None]) -> None:
    assert stop_under_load(tmp_path, 2, "down", report) == 0
