"""A real `spanwand up` in a process of its own, and what its `jsonl` sink wrote."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.util.types import AttributeValue

from spanwand_sidecar.status import Endpoints, Status

COMMAND = (sys.executable, "-m", "spanwand_sidecar")
HANG_S = 60.0
"""After so long it will not happen any more, on whatever machine."""
COMPLETED_S = 400.0
"""The same of completed W&B runs: their program is of low priority, and takes minutes where others keep CPUs busy."""
GPU_DRIVER = ("LD_LIBRARY_PATH", "NVML_STAND_IN")
"""Where a test put one."""
CHAT: dict[str, AttributeValue] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.usage.input_tokens": 10,
}
WINDOW = {
    "AGGREGATE__WINDOW_S": "1",
    "AGGREGATE__ROWS_INTERVAL_S": "1",
    "GATHER__SETTLE_S": "0.2",
    "GATHER__IDLE_S": "1",
    "GATHER__LATE_S": "1",
}
"""Everything comes out within about two seconds."""


class RunningDaemon:
    """A started daemon: where it is, how it is, and its end."""

    def __init__(self, process: subprocess.Popen[str], data_dir: Path) -> None:
        self.process = process
        self.data_dir = data_dir
        until(lambda: self._endpoints() or process.poll() is not None)
        endpoints = self._endpoints()
        assert endpoints, process.communicate(timeout=5)[1]
        self.endpoints = endpoints

    def get(self, path: str) -> tuple[int, str, str]:
        """Status, content type and body of an admin page."""
        connection = http.client.HTTPConnection(self.endpoints.admin, timeout=5)
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read().decode()

    def status(self) -> Status:
        return msgspec.json.decode(self.get("/status")[2], type=Status)

    def stop(self, number: int = signal.SIGTERM, timeout_s: float = 60) -> str:
        """Signal, wait; returns the log."""
        self.process.send_signal(number)
        return self.process.communicate(timeout=timeout_s)[1]

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=10)

    def _endpoints(self) -> Endpoints | None:
        try:
            found = msgspec.json.decode((self.data_dir / "endpoints.json").read_bytes(), type=Endpoints)
        except (OSError, msgspec.DecodeError):
            return None
        return found if found.pid == self.process.pid else None


def environment(data_dir: Path, **settings: str) -> dict[str, str]:
    """No keys, no home, any free port; `settings` are SPANWAND_ variables without their prefix."""
    kept = {name: os.environ[name] for name in ("PATH", "VIRTUAL_ENV", *GPU_DRIVER) if name in os.environ}
    defaults = {
        "DATA_DIR": str(data_dir),
        "LISTEN__GRPC": "127.0.0.1:0",
        "LISTEN__HTTP": "127.0.0.1:0",
        "LISTEN__ADMIN": "127.0.0.1:0",
        "SINKS": "jsonl",
    }
    ours = {f"SPANWAND_{name}": value for name, value in (defaults | settings).items()}
    return {**kept, "HOME": str(data_dir), **ours}


@contextmanager
def daemon(data_dir: Path, *args: str, **settings: str) -> Iterator[RunningDaemon]:
    """A daemon until the end of the block, where it is killed if it still runs."""
    environ = environment(data_dir, **settings)
    with subprocess.Popen([*COMMAND, "up", *args], env=environ, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield RunningDaemon(process, data_dir)
        finally:
            if process.poll() is None:
                process.kill()


def spanwand(data_dir: Path, *args: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Any other command."""
    environ = environment(data_dir, **settings)
    return subprocess.run([*COMMAND, *args], env=environ, capture_output=True, text=True, timeout=30)


def until(condition: Callable[[], object], timeout_s: float = HANG_S) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def updates(data_dir: Path) -> list[dict[str, Any]]:
    """Every line the `jsonl` sink wrote; not the one that it is writing."""
    file = data_dir / "jsonl" / "batches.jsonl"
    whole = file.read_bytes().rpartition(b"\n")[0] if file.exists() else b""
    return [json.loads(line) for line in whole.splitlines()]


def sums(lines: list[dict[str, Any]]) -> Mapping[str, Counter[str]]:
    """Points added up over all windows, by the run's name."""
    found: dict[str, Counter[str]] = {}
    for line in lines:
        found.setdefault(line["run"]["name"], Counter()).update(line["points"])
    return found


def rows(lines: list[dict[str, Any]], table: str) -> list[dict[str, Any]]:
    """Every row of a table."""
    return [row for line in lines for row in line["rows"].get(table, ())]


def send(running: RunningDaemon, calls: int) -> None:
    """Each call a trace of its own, acknowledged when this returns."""
    exporter = OTLPSpanExporter(endpoint=f"http://{running.endpoints.grpc[0]}", insecure=True)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    for _ in range(calls):
        provider.get_tracer("app").start_span("chat", attributes=CHAT).end()
    provider.shutdown()


def counted(data_dir: Path) -> int:
    return sum(points["llm/requests"] for points in sums(updates(data_dir)).values())
