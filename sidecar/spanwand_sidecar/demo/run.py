"""The demo itself: daemon, stand-in and app; then the runs are read back and compared."""

import json
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from spanwand.errors import SpanwandError
from spanwand.stored.read import read
from spanwand.stored.run import StoredRun
from spanwand_sidecar.commands.status import ask
from spanwand_sidecar.demo.checks import Check, Sent, compare
from spanwand_sidecar.demo.openai_api import OpenAIStandIn
from spanwand_sidecar.demo.processes import app, daemon, demo_settings, tail
from spanwand_sidecar.status import Endpoints, Status

Watch = Callable[[int, str], None]
"""Told how many comics are done, and what is going on."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it."""

    data_dir: Path
    seconds: float
    runs: Sequence[StoredRun]
    checks: Sequence[Check]

    @property
    def equal(self) -> bool:
        """Every sum landed as it was sent."""
        return all(check.equal for check in self.checks)


def run(data_dir: Path, comics: int, watch: Watch) -> Result:
    """Run the demo in an empty directory. Raises SpanwandError if a part of it fails."""
    started = time.monotonic()
    stand_in = OpenAIStandIn()
    watch(0, "starting the daemon")
    with daemon(data_dir, demo_settings(data_dir)) as endpoints:
        with stand_in.serving() as url, app(endpoints, url, comics, data_dir / "app.log") as process:
            watch(0, f"the app sends to {endpoints.grpc[0]}")
            lines, done = _follow(process, endpoints, watch, data_dir / "app.log")
        watch(done, "stopping the daemon: it drains, and finishes the runs")
    runs = read(data_dir).runs
    sent = Sent(lines=lines, comics=done, answers=stand_in.ledger.answers())
    checks = compare(sent, runs)
    return Result(data_dir=data_dir, seconds=time.monotonic() - started, runs=runs, checks=checks)


def _follow(
    process: subprocess.Popen[str], endpoints: Endpoints, watch: Watch, log: Path
) -> tuple[list[dict[str, object]], int]:
    """Pass on what the app prints, until it ends; returns its ledger and the number of comics."""
    ledger: list[dict[str, object]] = []
    done = 0
    for line in process.stdout or ():
        printed = json.loads(line)
        if "ledger" in printed:
            ledger = printed["ledger"]
            continue
        done += 1
        made = f"{printed['comic']} ({printed['arm']}): {printed['drawn']} of {printed['panels']} panels drawn"
        watch(done, f"{made} · {_received(endpoints)} spans received")
    if process.wait():
        raise SpanwandError(f"the app ended with {process.returncode}:\n{tail(log)}")
    return ledger, done


def _received(endpoints: Endpoints) -> int:
    return msgspec.json.decode(ask(endpoints.admin), type=Status).received.spans
