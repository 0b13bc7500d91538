"""R11: whatever W&B's side does for a while, points are safe at once, and everything is at W&B once afterwards."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.daemon import until
from tests.support.online import API, assert_exactly_once, batch, sink
from tests.support.sink_process import SinkProcess
from tests.support.wandb_server import API_KEY, Fault, WandbServer
from tests.support.wandb_server.environment import environment
from tests.support.wandb_server.faults import MISBEHAVIOURS

from spanwand.config import WandbConfig

ALL_S = 6.0
"""How long W&B misbehaves, whatever it is asked."""


@pytest.fixture
def server() -> Iterator[WandbServer]:
    with WandbServer() as server:
        yield server


@pytest.mark.faults
@pytest.mark.parametrize("name", MISBEHAVIOURS)
def test_points_are_taken_at_the_same_speed(server: WandbServer, tmp_path: Path, name: str) -> None:
    """Ten windows of an open run while W&B fails: each is on disk in less than two seconds, then all are there once."""
    with sink(server, tmp_path) as process:
        assert process.write(batch(1, rows=1, keys=(API,))).outcome == "Delivered"
        before = len(server.requests)
        fault = server.faults.add(Fault("*", **MISBEHAVIOURS[name]))
        begun_s = time.monotonic()
        replies = [process.write(batch(number, keys=(API,))) for number in range(2, 12)]
        until(lambda: fault.hits, ALL_S)
        time.sleep(max(0.0, ALL_S - (time.monotonic() - begun_s)))
        requests = len(server.requests) - before
        server.faults.clear()
        assert process.deliver(batch(12, rows=1, keys=(API,)))[-1].outcome == "Delivered"
        until(lambda: len(server.runs[0].history_lines.lines) >= 12, 40)
        process.close()
    print(f"{name}: slowest write {max(reply.took_s for reply in replies):.2f} s, {requests} requests in {ALL_S:g} s")
    assert {reply.outcome for reply in replies} == {"Delivered"}
    assert max(reply.took_s for reply in replies) < 2
    assert requests < 20, "it must not be stormed"
    assert_exactly_once(server, {1: 1, **dict.fromkeys(range(2, 12), 0), 12: 1}, keys=(API,))


UNREACHABLE = {"DNS": "http://wandb.invalid:1", "TLS": "https://127.0.0.1:{port}"}


@pytest.mark.slow
@pytest.mark.parametrize("name", UNREACHABLE)
def test_no_name_and_no_tls(server: WandbServer, tmp_path: Path, name: str) -> None:
    """A state with a reason, in bounded time, and without the key in it."""
    url = UNREACHABLE[name].format(port=server.port)
    environ = environment(url, tmp_path / "home")
    with SinkProcess(environ, tmp_path / "wandb", WandbConfig(init_timeout_s=2)) as process:
        reply = process.write(batch(1, rows=1))
    assert (reply.outcome, API_KEY in reply.why) == ("Retry", False), reply
    assert reply.why
    assert reply.took_s < 8
