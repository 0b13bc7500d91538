"""Rotel, an OTLP agent that acknowledges from memory: the same faults, for comparison (`pip install --pre rotel`)."""

import importlib.util
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Self

import pytest

from tests.faults.collector import Collector
from tests.faults.otlp import input_tokens
from tests.faults.targets import Delivered, free_port
from tests.support.daemon import until

QUIET_S = 3.0


def rotel_agent() -> Path:
    """Rotel's binary; skips if it is not installed."""
    package = importlib.util.find_spec("rotel")
    agent = Path(package.origin).with_name("rotel-agent") if package and package.origin else None
    if agent is None or not agent.exists():
        pytest.skip("rotel is not installed: pip install --pre rotel")
    return agent


class Rotel:
    """`rotel start` with an OTLP exporter to a collector of ours; it keeps its address over restarts."""

    name = "rotel"

    def __init__(self, directory: Path) -> None:
        self.collector = Collector(free_port())
        self.address = f"127.0.0.1:{free_port()}"
        self.process: subprocess.Popen[bytes] | None = None
        self._command = [
            str(rotel_agent()), "start", "--pid-file", str(directory / "rotel.pid"),
            "--otlp-grpc-endpoint", self.address, "--otlp-http-endpoint", f"127.0.0.1:{free_port()}",
            "--exporter", "otlp", "--otlp-exporter-endpoint", f"http://{self.collector.address}",
            "--otlp-exporter-protocol", "grpc",
        ]  # fmt: skip
        self._log = directory / "rotel.log"

    def __enter__(self) -> Self:
        self.collector.up()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        self.collector.down()

    def start(self) -> None:
        """Start it; returns without waiting."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(self._command, stdout=log, stderr=log)

    def kill(self, rng: random.Random) -> str:  # it has no children to choose from
        """kill -9."""
        assert self.process
        self.process.kill()
        self.process.wait(10)
        return "all"

    def drain(self) -> None:
        """Wait until nothing more comes, then SIGTERM."""
        seen = -1
        while self.collector.spans.total() != seen:
            seen = self.collector.spans.total()
            time.sleep(QUIET_S)
        self.stop()

    def stop(self) -> None:
        """SIGTERM, and SIGKILL if that does not end it."""
        process = self.process
        assert process
        process.send_signal(signal.SIGTERM)
        until(lambda: process.poll() is not None, 60)

    def delivered(self) -> Delivered:
        """What the collector got; metrics it has none, so they are what its rows say."""
        spans = self.collector.spans
        return Delivered(spans, len(spans), sum(map(input_tokens, spans)))
