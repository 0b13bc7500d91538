"""A daemon that is killed, whose sink is down or silent, whose journal is full (P2, A6, B3, B4, R5, R10)."""

import socket
import time
from pathlib import Path

import grpc
import psutil
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.support.daemon import (
    CHAT,
    WINDOW,
    RunningDaemon,
    counted,
    daemon,
    send,
    until,
    updates,
)

from spanwand.stored.read import read


def raw(channel: grpc.Channel, path: str) -> "grpc.UnaryUnaryMultiCallable[bytes, bytes]":
    """A call without serialisers, and without the SDK's retries."""
    return channel.unary_unary(path, bytes, bytes)


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
    logs = list((tmp_path / "wandb").rglob("run-*.wandb"))
    assert len(logs) == 2, "one of the app, one of the daemon's own health"
    assert counted(tmp_path) == 4


@pytest.mark.slow
def test_a_dead_wandb_core_is_noticed_while_nothing_happens(tmp_path: Path) -> None:
    """R48: within five seconds, by who asks; the next batch goes to new runs and nothing is lost."""
    with daemon(tmp_path, SINKS="wandb", **WINDOW) as running:
        send(running, 4)
        until(lambda: running.status().sinks["wandb"].outcomes.get("delivered"), 60)
        until(lambda: not running.status().line.waiting)
        until(lambda: running.status().sinks["wandb"].state == "idle")
        (core,) = psutil.Process(running.process.pid).children()
        core.kill()
        until(lambda: "wandb-core has died" in "".join(running.status().sinks["wandb"].notes), 5)
        send(running, 3)
        running.stop()
    calls = [row.get("llm/requests", 0) for run in read(tmp_path / "wandb").runs for row in run.history]
    assert sum(calls) == 7


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
            assert not running.status().sinks["wandb"].outcomes
            send(running, 2)
            until(lambda: running.status().sinks["wandb"].state == "retrying", 60)
            assert running.status().sinks["wandb"].why
            children = psutil.Process(running.process.pid).children(recursive=True)
            begun_s = time.monotonic()
            running.stop()
            assert time.monotonic() - begun_s < 3
            assert running.process.returncode == 0
            assert psutil.wait_procs(children, timeout=10)[1] == []
