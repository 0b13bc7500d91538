"""What is put under test, killed and asked what came out: our daemon, or Rotel."""

import os
import random
import signal
import socket
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol, Self

import psutil

from spanwand.stored.read import read
from spanwand.stored.run import StoredRun
from tests.faults.otlp import SpanKey
from tests.support.daemon import COMMAND, WINDOW, RunningDaemon, environment, until

BELOW_EPHEMERAL = range(20_000, 32_000)
"""Ports that no outgoing connection takes while the target is down."""
DRAIN_S = 600.0
DRAINED_BYTES = 1_000_000
"""A backlog that a stop has time to deliver."""


class Delivered(NamedTuple):
    """What came out at the far end."""

    rows: Counter[SpanKey]
    """How often each span came."""
    counted: int
    """Spans by the metrics alone."""
    tokens: int
    """Their input tokens, by the metrics alone."""


class Target(Protocol):
    """Something that takes spans at `address`."""

    name: str
    address: str

    def __enter__(self) -> Self:
        """Its processes end with the block."""

    def __exit__(self, *_: object) -> None:
        """End what still runs."""

    def start(self) -> None:
        """Start it; returns without waiting."""

    def kill(self, rng: random.Random) -> str:
        """kill -9 it; returns what was killed."""

    def drain(self) -> None:
        """Let everything come out and stop it."""

    def delivered(self) -> Delivered:
        """What came out, after `drain`."""


def free_port() -> int:
    """A loopback port that nobody has, and that nobody is given."""
    for port in random.sample(BELOW_EPHEMERAL, 50):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port")


class Spanwand:
    """`spanwand up` with its data below `directory`; it keeps its address over restarts."""

    name = "spanwand"

    def __init__(self, directory: Path, sink: str = "wandb", **settings: str) -> None:
        """`settings` are SPANWAND_ variables without their prefix."""
        self.environ: Mapping[str, str] = {}
        """Other variables."""
        self.address = f"127.0.0.1:{free_port()}"
        self.data_dir = directory / "data"
        self.log = directory / "daemon.log"
        self.sink = sink
        self._settings = {
            **WINDOW,
            "LISTEN__GRPC": self.address,
            "SINKS": sink,
            "WANDB__MODE": "offline",
            "SAMPLE__ROWS_PER_MINUTE": "60000000",
            "DELIVER__MAX_BACKOFF_S": "1",
            "GRACE_S": "60",
            **settings,
        }
        self.process: subprocess.Popen[str] | None = None

    def start(self, **settings: str) -> None:
        """Start the daemon, with further settings for this time, and return at once."""
        directory = self.data_dir.parent
        directory.mkdir(parents=True, exist_ok=True)
        environ = {**self.environ, **environment(self.data_dir, **self._settings | settings), "HOME": str(directory)}
        with self.log.open("a") as log:
            self.process = subprocess.Popen([*COMMAND, "up"], env=environ, stderr=log, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process and self.process.poll() is None:
            self.kill_all()

    def running(self) -> RunningDaemon:
        """The daemon when it is ready, started if it is not running."""
        if self.process is None or self.process.poll() is not None:
            self.start()
        assert self.process
        return RunningDaemon(self.process, self.data_dir)

    def kill(self, rng: random.Random) -> str:
        """Kill the daemon with its children, or alone, or only wandb-core."""
        assert self.process
        children = psutil.Process(self.process.pid).children(recursive=True) if self.process.poll() is None else []
        what = rng.choice(["all", "all", "daemon", *(["wandb-core"] if children else [])])
        if what != "wandb-core":
            self.process.kill()
            self.process.wait(10)
        if what != "daemon":
            kill_all(children)
        return what

    def kill_all(self) -> None:
        """Kill the daemon and its children."""
        assert self.process
        processes = [psutil.Process(self.process.pid)]
        kill_all([*processes[0].children(recursive=True), *processes])
        self.process.wait(10)

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DRAIN_S)

    def drain(self) -> None:
        """Stop in order once little is left to do; nothing may be left behind."""
        running = self.running()
        until(lambda: running.status().journal.backlog_bytes < DRAINED_BYTES, DRAIN_S)
        assert self.stop() == 0, self.log.read_text()[-3000:]
        assert "are left for the next start" not in self.log.read_text().rpartition("ready after")[2]

    def runs(self) -> list[StoredRun]:
        """What the sink left on disk."""
        return read(self.data_dir / self.sink).runs

    def delivered(self) -> Delivered:
        runs = self.runs()
        return Delivered(
            rows=Counter((str(row[0]), str(row[1])) for row in rows(runs, "generations", "trace_id", "span_id")),
            counted=int(total(runs, "llm/requests")),
            tokens=int(total(runs, "llm/input_tokens")),
        )


def rows(runs: Iterable[StoredRun], table: str, *columns: str) -> Iterator[list[object]]:
    """Some cells of every row that a table has in any run."""
    for run in runs:
        if found := run.tables.get(table):
            places = [found.columns.index(column) for column in columns]
            yield from ([row[place] for place in places] for row in found.rows)


def total(runs: Iterable[StoredRun], metric: str) -> float:
    """A metric summed over the history of all runs."""
    return sum(step.get(metric) or 0 for run in runs for step in run.history)


def kill_all(processes: Iterable[psutil.Process]) -> None:
    """kill -9 each that still lives."""
    for process in processes:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue


def peak_rss_mib(pid: int) -> float:
    """The most memory a process has had at once."""
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def is_root() -> bool:
    """Whether disks can be mounted here."""
    return os.geteuid() == 0
