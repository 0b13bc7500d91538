"""The daemon as a process: start, probes, conflicts, crash, stop (P2, B3, B4, K2, R9, R10; issue 2 items 2 and 8)."""

import json
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import psutil
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.util.types import AttributeValue
from tests.support.daemon import COMMAND, RunningDaemon, daemon, environment, spanwand, sums, until, updates

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


@pytest.fixture
def sidecar(tmp_path: Path) -> Iterator[RunningDaemon]:
    with daemon(tmp_path, **WINDOW) as running:
        yield running


def send(running: RunningDaemon, calls: int) -> None:
    """Each call a trace of its own, acknowledged when this returns."""
    exporter = OTLPSpanExporter(endpoint=f"http://{running.endpoints.grpc[0]}", insecure=True)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    for _ in range(calls):
        provider.get_tracer("app").start_span("chat", attributes=CHAT).end()
    provider.shutdown()


def raw(channel: grpc.Channel, path: str) -> "grpc.UnaryUnaryMultiCallable[bytes, bytes]":
    """A call without serialisers, and without the SDK's retries."""
    return channel.unary_unary(path, None, None)


def padded_call(number: int) -> bytes:
    """A request with one model call, 8 kB long."""
    values = {key: AnyValue(string_value=value) for key, value in CHAT.items() if isinstance(value, str)}
    values["padding"] = AnyValue(string_value="x" * 8_000)
    span = Span(trace_id=number.to_bytes(16), span_id=number.to_bytes(8), start_time_unix_nano=1, end_time_unix_nano=2)
    span.attributes.extend(KeyValue(key=key, value=value) for key, value in values.items())
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.append(span)
    return request.SerializeToString()


def fill(running: RunningDaemon) -> int:
    """Send calls until the daemon refuses one; returns how many it has acknowledged."""
    calls = 0
    with grpc.insecure_channel(running.endpoints.grpc[0]) as channel:
        export = raw(channel, "/opentelemetry.proto.collector.trace.v1.TraceService/Export")
        while (code := answer_to(export, padded_call(calls + 1))) is grpc.StatusCode.OK:
            calls += 1
    assert code is grpc.StatusCode.UNAVAILABLE
    return calls


def answer_to(export: "grpc.UnaryUnaryMultiCallable[bytes, bytes]", body: bytes) -> grpc.StatusCode:
    return export.future(body, timeout=5).code()


def counted(data_dir: Path) -> int:
    return sum(points["llm/requests"] for points in sums(updates(data_dir)).values())


def refused(data_dir: Path, *args: str, **settings: str) -> tuple[int, str, float]:
    """Exit code, last line of the log and seconds of a daemon that should not start."""
    begun_s = time.monotonic()
    command = [*COMMAND, "up", *args]
    done = subprocess.run(command, env=environment(data_dir, **settings), capture_output=True, text=True, timeout=30)
    return done.returncode, done.stderr.splitlines()[-1], time.monotonic() - begun_s


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


def test_the_status_command_finds_the_daemon(sidecar: RunningDaemon, tmp_path: Path) -> None:
    by_directory = spanwand(tmp_path, "status")
    assert (by_directory.returncode, by_directory.stderr) == (0, "")
    assert f"process {sidecar.process.pid}" in by_directory.stdout
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
    """R9: exits within a second of its start, and leaves the first alone."""
    place = sidecar.endpoints
    same_directory = refused(tmp_path)
    assert same_directory[0] == 1
    assert f"is in use by process {place.pid}" in same_directory[1]
    for name, address in (("GRPC", place.grpc[0]), ("HTTP", place.http), ("ADMIN", place.admin)):
        code, message, _ = refused(tmp_path / name, **{f"LISTEN__{name}": address})
        assert code == 1
        assert address in message
        assert message.startswith("spanwand: ")
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


def test_a_killed_daemon_loses_nothing_and_counts_nothing_twice(tmp_path: Path) -> None:
    """P2: kill -9 with windows open, delivered and half delivered; three times."""
    for round_ in range(3):
        with daemon(tmp_path, **WINDOW) as running:
            send(running, 40)
            if round_:
                until(lambda: updates(tmp_path))
            running.kill()
    with daemon(tmp_path, **WINDOW) as last:
        last.stop()
        assert last.process.returncode == 0
    assert counted(tmp_path) == 120


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


def test_a_sink_that_is_down_is_a_state_with_a_reason(tmp_path: Path) -> None:
    """A6: accepted, kept, shown; delivered once the sink answers, here after a restart. Stops within its grace."""
    (tmp_path / "jsonl").write_text("a file where the sink's directory should be")
    with daemon(tmp_path, "--grace", "2", **WINDOW) as running:
        send(running, 7)
        until(lambda: running.status().sinks["jsonl"].undelivered)
        status = running.status()
        assert status.ready
        assert "sink jsonl is retrying" in status.reasons[0]
        assert status.sinks["jsonl"].why
        begun_s = time.monotonic()
        log = running.stop()
        assert time.monotonic() - begun_s < 2
        assert running.process.returncode == 0
        assert "are left for the next start" in log
    (tmp_path / "jsonl").unlink()
    with daemon(tmp_path, **WINDOW) as again:
        until(lambda: counted(tmp_path) == 7)
        again.stop()
    assert counted(tmp_path) == 7


def test_a_full_journal_refuses_and_recovers(tmp_path: Path) -> None:
    """R5: senders are told to wait; what was acknowledged comes out, and then there is room again."""
    (tmp_path / "jsonl").write_text("a file where the sink's directory should be")
    small = {"JOURNAL__MAX_BYTES": str(1 << 16), "DELIVER__MAX_BACKOFF_S": "0.2"} | WINDOW
    with daemon(tmp_path, **small) as running:
        acknowledged = fill(running)
        assert acknowledged == running.status().received.spans > 0
        assert running.status().received.refused == {"journal_full": 1}
        (tmp_path / "jsonl").unlink()
        until(lambda: counted(tmp_path) == acknowledged)
        until(lambda: running.status().journal.backlog_bytes == 0)
        send(running, 1)
        running.stop()


def test_no_sinks_at_all(tmp_path: Path) -> None:
    """B4: off, yet senders are answered and the journal does not grow for ever."""
    with daemon(tmp_path, SINKS="[]", **WINDOW) as running:
        send(running, 2)
        until(lambda: running.status().line.last_batch_seq >= 0)
        until(lambda: running.status().journal.backlog_bytes == 0)
        running.stop()
        assert running.process.returncode == 0


def test_metrics_and_logs_are_answered_and_counted(sidecar: RunningDaemon) -> None:
    """Operator-injected apps send all three signals."""
    with grpc.insecure_channel(sidecar.endpoints.grpc[0]) as channel:
        for signal_name, service in (("metrics", "Metrics"), ("logs", "Logs")):
            path = f"/opentelemetry.proto.collector.{signal_name}.v1.{service}Service/Export"
            assert raw(channel, path)(b"", timeout=5) == b""
    assert sidecar.status().received.ignored == {"metrics": 1, "logs": 1}


def test_wandb_offline_run_is_on_disk_and_wandb_core_is_gone(tmp_path: Path) -> None:
    """B3, P8: no key, so one line says where runs stay; no process is left behind."""
    with daemon(tmp_path, SINKS="wandb,jsonl", **WINDOW) as running:
        send(running, 4)
        until(lambda: running.status().sinks["wandb"].outcomes.get("delivered"), 60)
        children = psutil.Process(running.process.pid).children(recursive=True)
        assert children
        log = running.stop()
        assert running.process.returncode == 0, log
        assert log.count("no API key for") == 1
        assert psutil.wait_procs(children, timeout=10)[1] == []
    logs = list((tmp_path / "wandb").rglob("*.wandb"))
    assert len(logs) == 2, "one of the app, one of the daemon's own health"
    assert counted(tmp_path) == 4


def test_ready_before_wandb_answers(tmp_path: Path) -> None:
    """A6: an address nobody answers at; ready at once, and `status` says what is wrong."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        begun_s = time.monotonic()
        with daemon(
            tmp_path, "--wandb-mode", "online", "--grace", "3", SINKS="wandb", WANDB__BASE_URL=url,
            WANDB__INIT_TIMEOUT_S="1", **WINDOW,
        ) as running:  # fmt: skip
            assert running.get("/readyz")[0] == 200
            assert time.monotonic() - begun_s < 3
            send(running, 2)
            until(lambda: running.status().sinks["wandb"].state == "retrying", 60)
            assert running.status().sinks["wandb"].why
            children = psutil.Process(running.process.pid).children(recursive=True)
            begun_s = time.monotonic()
            running.stop()
            assert time.monotonic() - begun_s < 3
            assert psutil.wait_procs(children, timeout=10)[1] == []
