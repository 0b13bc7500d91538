"""A daemon whose W&B refuses the key, is not there or hangs: it starts, acknowledges, says so, and delivers later."""

import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import tests.support.daemon as support
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from tests.support.daemon import COMMAND, RunningDaemon, until
from tests.support.online import ABSENT
from tests.support.wandb_server import API_KEY, WandbServer, environment

from spanwand_sidecar.deliver import SinkStatus

CALLS = 40
INPUT_TOKENS = 100
CHAT: dict[str, str | int] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.usage.input_tokens": INPUT_TOKENS,
    "gen_ai.usage.output_tokens": 7,
}
READY_S = 3.0
"""The budget of design §8; less than a daemon would need that waits for W&B (`WANDB__INIT_TIMEOUT_S`)."""
SETTINGS = {
    "SINKS": "wandb",
    "AGGREGATE__WINDOW_S": "1",
    "AGGREGATE__ROWS_INTERVAL_S": "2",
    "GATHER__SETTLE_S": "0.2",
    "WANDB__INIT_TIMEOUT_S": "4",
}


@contextmanager
def daemon(environ: Mapping[str, str], data_dir: Path) -> Iterator[RunningDaemon]:
    """A daemon, killed at the end of the block if it still runs."""
    with subprocess.Popen([*COMMAND, "up"], env=environ, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield RunningDaemon(process, data_dir)
        finally:
            if process.poll() is None:
                process.kill()


def send_calls(sidecar: RunningDaemon) -> None:
    """Requests of one model call each, from the stock SDK over gRPC."""
    provider = TracerProvider(resource=Resource({"service.name": "shop"}), shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=f"http://{sidecar.endpoints.grpc[0]}", insecure=True)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("app")
    for _ in range(CALLS):
        with tracer.start_as_current_span("make comic"), tracer.start_as_current_span("chat", attributes=CHAT):
            pass
    provider.shutdown()


def values(server: WandbServer, run: str, metric: str) -> list[Any]:
    return [row[metric] for row in server.history(run) if metric in row]


def assert_delivered(server: WandbServer) -> None:
    """Every call is counted once and has its row once; so has every request."""
    assert sum(values(server, "shop", "llm/requests")) == CALLS
    assert sum(values(server, "shop", "llm/input_tokens")) == CALLS * INPUT_TOKENS
    assert sum(values(server, "shop", "request/count")) == CALLS
    assert sum(values(server, "spanwand", "spanwand/spans_received")) == 2 * CALLS
    for table in ("generations", "requests"):
        rows = server.tables("shop")[table].records()
        assert (len(rows), len({row["trace_id"] for row in rows})) == (CALLS, CALLS)
    assert server.problems() == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ABSENT)
def test_wandb_is_absent_at_first(tmp_path: Path, name: str) -> None:
    """P1, P8, K2, R10: started and acknowledged without W&B; what is wrong is told; delivered once W&B answers."""
    begin, end, reason = ABSENT[name]
    with WandbServer(up=False) as server:
        begin(server)
        wandb = environment.environment(server.url, tmp_path / "home")
        environ = wandb | support.environment(tmp_path / "data", **SETTINGS)
        started_s = time.monotonic()
        with daemon(environ, tmp_path / "data") as sidecar:
            ready_s = time.monotonic() - started_s
            assert server.requests == [], "W&B is asked when there is something for it"
            send_calls(sidecar)
            assert sidecar.status().received.spans == 2 * CALLS
            until(lambda: reason in sink(sidecar).why, timeout_s=40)
            told = support.spanwand(tmp_path / "data", "status", "--json")
            assert server.world.artifacts.committed() == []
            end(server)
            until(lambda: sink(sidecar).outcomes.get("delivered", 0) and not sink(sidecar).undelivered, timeout_s=60)
            log = sidecar.stop()
        assert_delivered(server)
    assert reason in told.stdout
    assert API_KEY not in told.stdout + log
    print(f"ready after {ready_s:.2f} s")
    assert ready_s < READY_S


@pytest.mark.slow
@pytest.mark.parametrize("name", ["unreachable", "hanging"])
def test_the_daemon_is_stopped_before_wandb_is_back(tmp_path: Path, name: str) -> None:
    """P2, R10, R44: it stops in the time it was given; the next one delivers from the journal, everything once."""
    begin, end, _ = ABSENT[name]
    with WandbServer(up=False) as server:
        begin(server)
        wandb = environment.environment(server.url, tmp_path / "home")
        environ = wandb | support.environment(tmp_path / "data", GRACE_S="6", **SETTINGS)
        with daemon(environ, tmp_path / "data") as sidecar:
            send_calls(sidecar)
            begun_s = time.monotonic()
            log = sidecar.stop()
            took_s = time.monotonic() - begun_s
        assert sidecar.process.returncode == 0
        assert "left for the next start" in log
        end(server)
        with daemon(environ, tmp_path / "data") as sidecar:
            until(lambda: not sidecar.status().journal.backlog_bytes, timeout_s=30)
            sidecar.stop()
        assert_delivered(server)
    assert took_s < 6


def sink(sidecar: RunningDaemon) -> SinkStatus:
    return sidecar.status().sinks["wandb"]
