"""R11: W&B misbehaves for a while, one way after another. Senders do not notice; nothing is lost or comes twice."""

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from statistics import quantiles

import grpc
import pytest

from tests.faults.at_wandb import rows_at
from tests.faults.kill_rounds import account
from tests.faults.otlp import EXPORT, SpanKey, keys, request
from tests.faults.senders import Load, Senders
from tests.faults.targets import Spanwand
from tests.support.daemon import until
from tests.support.wandb_server import API_KEY, Fault, WandbServer
from tests.support.wandb_server.environment import environment
from tests.support.wandb_server.faults import MISBEHAVIOURS

PROBE = 998
"""The sender whose acknowledgements are timed."""
PROBE_PAUSE_S = 0.005
"""So that a percentile is one of some hundreds, and not the one time that a disk stalls."""
QUICK = ("429, Retry-After as a date", "503", "reset")
Report = Callable[[str], None]


class Probe:
    """A sender of one span at a time that measures how long its acknowledgements take."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._number = 0

    def p99_s(self, seconds: float) -> float:
        """The 99th percentile of the time to an acknowledgement, sending for so long."""
        with grpc.insecure_channel(self._address) as channel:
            export: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(EXPORT)
            return quantiles(self._times_s(export, seconds), n=100)[-1]

    def _times_s(self, export: "grpc.UnaryUnaryMultiCallable[bytes, bytes]", seconds: float) -> Iterator[float]:
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            self._number += 1
            body = request(PROBE, self._number, 1)
            begun_s = time.monotonic()
            export(body, timeout=10)
            yield time.monotonic() - begun_s
            time.sleep(PROBE_PAUSE_S)

    def acknowledged(self) -> set[SpanKey]:
        """The spans of all requests so far: one that is refused ends the test."""
        return {key for number in range(1, self._number + 1) for key in keys(PROBE, number, 1)}


def misbehave(directory: Path, names: Iterable[str], seconds: float, report: Report) -> None:
    with WandbServer() as server:
        target = Spanwand(directory, "wandb", WANDB__MODE="online", WANDB__INIT_TIMEOUT_S="4")
        target.environ = environment(server.url, directory / "home")
        with target, Senders(Load(address=target.address, spans_per_s=150), directory / "senders") as senders:
            running = target.running()
            until(lambda: running.status().sinks["wandb"].outcomes.get("delivered"), 40)
            probe = Probe(target.address)
            calm_s = probe.p99_s(seconds)
            for name in names:
                before = len(server.requests)
                fault = server.faults.add(Fault("*", **MISBEHAVIOURS[name]))
                p99_s = probe.p99_s(seconds)
                rate = (len(server.requests) - before) / seconds
                server.faults.clear()
                until(lambda: running.status().sinks["wandb"].state != "retrying", 60)
                report(f"R11 {name}: p99 of intake {p99_s * 1e3:.1f} ms ({calm_s * 1e3:.1f} ms), {rate:.1f} requests/s")
                assert fault.hits
                assert p99_s < 10 * calm_s + 0.25, "senders notice"
                assert rate < 15, "W&B is stormed"
            senders.stop()
            target.drain()
            acknowledged = senders.acknowledged() | probe.acknowledged()
            found = account(acknowledged, 0, target.delivered()._replace(rows=rows_at(server)))
        assert server.problems() == []
        assert API_KEY not in target.log.read_text()
    report(f"R11 altogether: {found}")
    assert (found.lost, found.doubled, found.miscounted, found.miscounted_tokens) == (0, 0, 0, 0)


@pytest.mark.slow
def test_w_and_b_misbehaves(tmp_path: Path, report: Report) -> None:
    misbehave(tmp_path, QUICK, 3, report)


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_w_and_b_misbehaves_in_every_way(tmp_path: Path, report: Report) -> None:
    misbehave(tmp_path, MISBEHAVIOURS, 15, report)


UNREACHABLE = {
    "DNS": ("http://wandb.invalid:1", "no such host"),
    "TLS": ("https://127.0.0.1:{port}", "tls"),
}


@pytest.mark.faults
@pytest.mark.parametrize("name", UNREACHABLE)
def test_a_name_or_a_certificate_that_is_wrong_costs_nothing(tmp_path: Path, name: str) -> None:
    """It is told what is wrong; with the right one, all that was acknowledged meanwhile is delivered."""
    url, reason = UNREACHABLE[name]
    with WandbServer() as server:
        target = Spanwand(tmp_path, "wandb", WANDB__MODE="online", WANDB__INIT_TIMEOUT_S="4", GRACE_S="5")
        target.environ = environment(url.format(port=server.port), tmp_path / "home")
        with target, Senders(Load(address=target.address, spans_per_s=300), tmp_path / "senders") as senders:
            running = target.running()
            until(lambda: reason in running.status().sinks["wandb"].why, 60)
            senders.stop()
            assert target.stop() == 0
            target.environ = environment(server.url, tmp_path / "home")
            target.start(GRACE_S="60")
            target.drain()
            found = account(senders.acknowledged(), 0, target.delivered()._replace(rows=rows_at(server)))
    assert found.acknowledged > 0
    assert (found.lost, found.doubled, found.miscounted, found.miscounted_tokens) == (0, 0, 0, 0)
