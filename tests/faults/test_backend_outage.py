"""R13: W&B is away while spans go on coming; afterwards the backlog goes out several times faster than it came in."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.at_wandb import counted_at
from tests.faults.otlp import input_tokens
from tests.faults.senders import Load, Senders
from tests.faults.targets import Spanwand, peak_rss_mib
from tests.support.daemon import RunningDaemon, until
from tests.support.wandb_server import WandbServer
from tests.support.wandb_server.environment import environment

SPANS_PER_S = 1_000
SENDERS = 2
MIN_RATIO = 3.0
MAX_RSS_MIB = 256


def delivered_bytes(running: RunningDaemon) -> int:
    """Of what was acknowledged, how much is in the sink."""
    status = running.status()
    return status.received.bytes - status.journal.backlog_bytes


def outage(directory: Path, outage_s: float, window_s: int, report: Callable[[str], None]) -> None:
    """Take W&B away for a while; measure from its return until no more than the open window is left."""
    with WandbServer() as server:
        settings = {"AGGREGATE__WINDOW_S": str(window_s), "AGGREGATE__ROWS_INTERVAL_S": str(6 * window_s)}
        target = Spanwand(directory, "wandb", WANDB__MODE="online", SAMPLE__ROWS_PER_MINUTE="5000", **settings)
        target.environ = environment(server.url, directory / "home")
        load = Load(address=target.address, spans_per_s=SPANS_PER_S / SENDERS)
        with target, Senders(load, directory / "senders", SENDERS) as senders:
            running = target.running()
            until(lambda: running.status().sinks["wandb"].outcomes.get("delivered"), 60)
            begun_s, before = time.monotonic(), running.status().received
            server.down()
            time.sleep(outage_s)
            server.up()
            up_s, after = time.monotonic(), running.status().received
            intake = (after.bytes - before.bytes) / (up_s - begun_s)
            at_return = delivered_bytes(running)
            backlog = running.status().journal.backlog_bytes
            until(lambda: running.status().journal.backlog_bytes < 1.5 * window_s * intake, outage_s + 60)
            took_s = time.monotonic() - up_s
            ratio = (delivered_bytes(running) - at_return) / took_s / intake
            peak = peak_rss_mib(running.process.pid)
            senders.stop()
            target.drain()
            acknowledged = senders.acknowledged()
        assert server.problems() == []
        tokens = sum(step.get("llm/input_tokens", 0) for run in server.runs for step in server.history(run))
        lost = len(acknowledged) - counted_at(server)
        ends = [[step["spanwand/window_end"] for step in server.history(run)] for run in server.runs]
    report(
        f"R13 {outage_s:g} s without W&B at {(after.spans - before.spans) / (up_s - begun_s):,.0f} spans/s: "
        f"backlog of {backlog / intake:.0f} s drained in {took_s:.1f} s, {ratio:.1f} times intake; "
        f"acknowledged {len(acknowledged):,}  lost {max(lost, 0)}  double-counted {max(-lost, 0)}; "
        f"peak RSS {peak:.0f} MiB"
    )
    assert (lost, tokens) == (0, sum(map(input_tokens, acknowledged)))
    assert all(run == sorted(run) for run in ends), "order per run"
    assert peak < MAX_RSS_MIB
    assert ratio >= MIN_RATIO


@pytest.mark.faults
@pytest.mark.timeout(400)
def test_90_seconds_without_wandb(tmp_path: Path, report: Callable[[str], None]) -> None:
    """With windows of 2 s, so that there are many batches."""
    outage(tmp_path, 90, 2, report)


@pytest.mark.faults
@pytest.mark.timeout(1_800)
def test_ten_minutes_without_wandb(tmp_path: Path, report: Callable[[str], None]) -> None:
    outage(tmp_path, 600, 10, report)
