"""The daemon as a process: start, probes, conflicts, stop (K2, R9, R10; issue 2 item 2)."""

import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub
from tests.support.daemon import (
    COMMAND,
    WINDOW,
    RunningDaemon,
    counted,
    daemon,
    environment,
    send,
    spanwand,
    until,
)
from tests.support.doors import logs_request, metrics_request


@pytest.fixture
def sidecar(tmp_path: Path) -> Iterator[RunningDaemon]:
    with daemon(tmp_path, **WINDOW) as running:
        yield running


def refused(data_dir: Path, *args: str, **settings: str) -> tuple[int, str]:
    """Exit code and last line of a daemon that should not start."""
    command = [*COMMAND, "up", *args]
    done = subprocess.run(command, env=environment(data_dir, **settings), capture_output=True, text=True, timeout=30)
    return done.returncode, done.stderr.splitlines()[-1]


def test_probes_metrics_and_status(sidecar: RunningDaemon, tmp_path: Path) -> None:
    """K2."""
    assert sidecar.get("/livez") == (200, "text/plain; charset=utf-8", "alive\n")
    assert sidecar.get("/readyz")[0] == 200
    send(sidecar, 5)
    until(lambda: counted(tmp_path) == 5)
    until(lambda: sidecar.status().journal.backlog_bytes == 0)
    code, content_type, metrics = sidecar.get("/metrics")
    assert (code, content_type) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert "spanwand_received_spans_total 5.0" in metrics
    assert 'spanwand_sink_state{sink="jsonl",state="idle"} 1.0' in metrics
    assert sidecar.get("/nothing")[0] == 404
    status = sidecar.status()
    assert status.ready
    assert status.reasons == ()
    assert status.received.spans == 5
    assert status.journal.oldest_undelivered_s == 0
    assert status.sinks["jsonl"].outcomes["delivered"] >= 1
    assert status.line.dropped.get("unpriced", 0) == 0


def test_a_start_that_is_not_ready_says_why(tmp_path: Path) -> None:
    """The log and `/readyz` say the same (K2)."""
    with daemon(tmp_path, JOURNAL__MIN_FREE_BYTES=str(1 << 60)) as running:
        code, _, said = running.get("/readyz")
        log = running.stop()
    reason = f"less than {1 << 60} bytes are free on the journal's disk"
    assert (code, said) == (503, f"not ready\n{reason}\n")
    line = next(line for line in log.splitlines() if "ready after" in line)
    assert "level=warning" in line
    assert "not ready after" in line
    assert reason in line


def test_the_status_command_finds_the_daemon(sidecar: RunningDaemon, tmp_path: Path) -> None:
    with grpc.insecure_channel(sidecar.endpoints.grpc[0]) as channel:
        export = channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export", bytes, bytes)
        with pytest.raises(grpc.RpcError):
            export(b"no protobuf", timeout=30)
    by_directory = spanwand(tmp_path, "status")
    assert (by_directory.returncode, by_directory.stderr) == (0, "")
    assert f"process {sidecar.process.pid}" in by_directory.stdout
    assert "refused   requests: 1 malformed" in by_directory.stdout
    assert "sink      jsonl: " in by_directory.stdout
    by_address = spanwand(tmp_path / "elsewhere", "status", "--json", "--admin", sidecar.endpoints.admin)
    assert json.loads(by_address.stdout)["endpoints"]["pid"] == sidecar.process.pid


def test_grpc_health(sidecar: RunningDaemon) -> None:
    with grpc.insecure_channel(sidecar.endpoints.grpc[0]) as channel:
        health: Any = HealthStub(channel)
        answer = health.Check(HealthCheckRequest(), timeout=5)
        assert answer.status == HealthCheckResponse.SERVING
        service = "opentelemetry.proto.collector.trace.v1.TraceService"
        assert next(health.Watch(HealthCheckRequest(service=service), timeout=5)) == answer
        with pytest.raises(grpc.RpcError) as error:
            health.Check(HealthCheckRequest(service="other"), timeout=5)
        assert error.value.code() is grpc.StatusCode.NOT_FOUND


def test_a_web_page_cannot_read_the_admin_port(sidecar: RunningDaemon) -> None:
    """R42: a rebound DNS name is no name of this machine."""
    host, _, port = sidecar.endpoints.admin.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(b"GET /status HTTP/1.1\r\nHost: evil.example:4319\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.0 421")


def test_a_second_daemon_says_what_is_taken(sidecar: RunningDaemon, tmp_path: Path) -> None:
    """R9: one line, and the first is left alone."""
    place = sidecar.endpoints
    same_directory = refused(tmp_path)
    assert same_directory[0] == 1
    assert f"is in use by process {place.pid}" in same_directory[1]
    for name, address in (("GRPC", place.grpc[0]), ("HTTP", place.http), ("ADMIN", place.admin)):
        code, message = refused(tmp_path / name, **{f"LISTEN__{name}": address})
        assert code == 1
        assert address in message
        assert message.startswith("spanwand: ")
        assert "; choose another with --" in message
    assert sidecar.get("/readyz")[0] == 200


def test_sigterm_drains_and_leaves_nothing(sidecar: RunningDaemon, tmp_path: Path) -> None:
    """R10: the window that is open is delivered too, and nothing is delivered again."""
    send(sidecar, 3)
    named = tmp_path / "endpoints.json"
    assert named.exists()
    log = sidecar.stop()
    assert sidecar.process.returncode == 0, log
    assert "left for the next start" not in log
    assert counted(tmp_path) == 3
    assert not named.exists()
    with daemon(tmp_path, **WINDOW) as again:
        until(lambda: again.status().sinks["jsonl"].state == "idle")
        again.stop(signal.SIGINT)
        assert again.process.returncode == 0
    assert counted(tmp_path) == 3


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    """A sink that is down keeps the drain busy; the user need not wait."""
    (tmp_path / "jsonl").write_text("a file where the sink's directory should be")
    with daemon(tmp_path, **WINDOW) as running:
        send(running, 1)
        until(lambda: running.status().sinks["jsonl"].state == "retrying")
        running.process.send_signal(signal.SIGTERM)
        until(lambda: running.get("/readyz")[0] == 503)
        running.stop(signal.SIGTERM, timeout_s=5)
        assert running.process.returncode == 128 + signal.SIGTERM


def test_metrics_and_logs_are_answered_and_counted(sidecar: RunningDaemon) -> None:
    """Operator-injected apps send all three signals."""
    bodies = {"metrics": metrics_request(2), "logs": logs_request(3)}
    with grpc.insecure_channel(sidecar.endpoints.grpc[0]) as channel:
        for signal_name, service in (("metrics", "Metrics"), ("logs", "Logs")):
            path = f"/opentelemetry.proto.collector.{signal_name}.v1.{service}Service/Export"
            assert channel.unary_unary(path, bytes, bytes)(bodies[signal_name], timeout=5) == b""
    received = sidecar.status().received
    assert (received.metrics, received.log_records) == (2, 3)
