"""The gRPC door with a stock client (P1): what is acknowledged is in the journal, refusals are as OTLP asks."""

import gc
import socket
import stat
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from tests.support.doors import journal_in, logs_request, metrics_request, stored, trace_request

from spanwand_sidecar.journal import FrameKind, Journal
from spanwand_sidecar.receive import CannotListen, Counters, ReceiveConfig, RefusalReason, Signal
from spanwand_sidecar.receive.grpc import MAX_STREAMS, GrpcServer, serve
from spanwand_sidecar.receive.reception import Reception

EXPORT = "/opentelemetry.proto.collector.{0}.v1.{1}Service/Export"
TRACES = EXPORT.format("trace", "Trace")
LOOPBACK = "127.0.0.1:0"
LIMITS = ReceiveConfig()


@contextmanager
def door(journal: Journal, *addresses: str, limits: ReceiveConfig = LIMITS) -> Iterator[tuple[GrpcServer, Counters]]:
    reception = Reception(journal, limits)
    server = serve(addresses or (LOOPBACK,), reception)
    try:
        yield server, reception.counters
    finally:
        server.stop(1.0)


def export(address: str, body: bytes, method: str = TRACES, compression: grpc.Compression | None = None) -> bytes:
    with grpc.insecure_channel(address) as channel:
        call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
        return call(body, timeout=10, compression=compression)


def refusal(address: str, body: bytes) -> tuple[grpc.StatusCode, str | None, dict[str, str | bytes]]:
    with pytest.raises(grpc.RpcError) as info:
        export(address, body)
    error = info.value
    return error.code(), error.details(), {entry.key: entry.value for entry in error.trailing_metadata()}


def test_an_acknowledged_body_is_in_the_journal_as_it_was_sent(tmp_path: Path) -> None:
    body = trace_request(3)
    with journal_in(tmp_path) as journal, door(journal) as (server, counters):
        assert export(server.addresses[0], body) == b""
        assert export(server.addresses[0], body, compression=grpc.Compression.Gzip) == b""
        assert stored(journal) == [body, body]
        assert counters == Counters(
            requests=counters.requests, accepted=Counter({Signal.TRACES: 6}), accepted_bytes=2 * len(body)
        )  # nothing refused
        assert counters.requests == {Signal.TRACES: 2}


def test_the_stock_exporter_over_tcp_and_a_unix_socket(tmp_path: Path) -> None:
    with journal_in(tmp_path) as journal, door(journal, LOOPBACK, f"unix:{tmp_path}/otlp.sock") as (server, counters):
        for address in server.addresses:
            provider = TracerProvider()
            provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=address, insecure=True)))
            with provider.get_tracer("tests").start_as_current_span(address):
                pass
            provider.shutdown()
        assert [address.encode() in body for address, body in zip(server.addresses, stored(journal), strict=True)]
        assert counters.accepted[Signal.TRACES] == 2


def test_other_signals_are_kept_and_counted(tmp_path: Path) -> None:
    """What is no request of theirs is refused like any other."""
    bodies = {"metrics": metrics_request(2), "logs": logs_request(2)}
    with journal_in(tmp_path) as journal, door(journal) as (server, counters):
        for signal, body in bodies.items():
            assert export(server.addresses[0], body, EXPORT.format(signal, signal.capitalize())) == b""
        assert counters.accepted == {Signal.METRICS: 2, Signal.LOGS: 2}
        kinds = [FrameKind.OTLP_METRICS, FrameKind.OTLP_LOGS]
        assert [(frame.kind, frame.body) for frame in journal.read(0)] == list(zip(kinds, bodies.values(), strict=True))


def test_an_empty_request_is_a_success(tmp_path: Path) -> None:
    with journal_in(tmp_path) as journal, door(journal) as (server, _):
        assert export(server.addresses[0], b"") == b""
        assert stored(journal) == []


def test_malformed_is_final(tmp_path: Path) -> None:
    with journal_in(tmp_path) as journal, door(journal) as (server, counters):
        code, details, metadata = refusal(server.addresses[0], b"\xff\xff")
        assert code is grpc.StatusCode.INVALID_ARGUMENT
        status = Status.FromString(metadata["grpc-status-details-bin"])
        assert (status.code, status.message) == (code.value[0], details)
        assert "google.rpc.retryinfo-bin" not in metadata
        assert counters.refused == {RefusalReason.MALFORMED: 1}
        assert stored(journal) == []


@pytest.mark.parametrize(
    ("limits", "spans"),
    [(ReceiveConfig(max_message_bytes=1024), 1000), (ReceiveConfig(max_spans=100), 200)],
    ids=["bytes", "spans"],
)
def test_too_large_is_final(tmp_path: Path, limits: ReceiveConfig, spans: int) -> None:
    """RESOURCE_EXHAUSTED without RetryInfo, or senders would repeat it."""
    with journal_in(tmp_path) as journal, door(journal, limits=limits) as (server, _):
        code, _, metadata = refusal(server.addresses[0], trace_request(spans))
        assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "google.rpc.retryinfo-bin" not in metadata
        assert stored(journal) == []


def test_gzip_is_limited_after_inflation(tmp_path: Path) -> None:
    """A bomb: small on the wire, large behind it."""
    body = trace_request(1, "a" * 100_000)
    limits = ReceiveConfig(max_message_bytes=50_000)
    with journal_in(tmp_path) as journal, door(journal, limits=limits) as (server, _):
        with pytest.raises(grpc.RpcError) as info:
            export(server.addresses[0], body, compression=grpc.Compression.Gzip)
        assert info.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_a_full_journal_says_when_to_come_back(tmp_path: Path) -> None:
    """Both places senders look at: the status details and the RetryInfo trailer (Python's exporter)."""
    body = trace_request(1, "a" * 40_000)
    limits = ReceiveConfig(retry_after_s=2.5)
    with journal_in(tmp_path, max_bytes=1 << 16) as journal, door(journal, limits=limits) as (server, counters):
        export(server.addresses[0], body)
        code, _, metadata = refusal(server.addresses[0], body)
        assert code is grpc.StatusCode.UNAVAILABLE
        inner = RetryInfo()
        assert Status.FromString(metadata["grpc-status-details-bin"]).details[0].Unpack(inner)
        assert inner == RetryInfo.FromString(metadata["google.rpc.retryinfo-bin"])
        assert inner.retry_delay.ToMilliseconds() == 2500
        assert counters.refused == {RefusalReason.JOURNAL_FULL: 1}
        journal.release(journal.end)
        assert export(server.addresses[0], body) == b""


def test_a_closed_journal_is_retryable(tmp_path: Path) -> None:
    with journal_in(tmp_path) as journal, door(journal) as (server, _):
        journal.close()
        assert refusal(server.addresses[0], trace_request(1))[0] is grpc.StatusCode.UNAVAILABLE


def test_every_refusal_on_a_connection_is_answered(tmp_path: Path) -> None:
    """R24: what a refused call leaves must not wait for a garbage collection, for its stream waits with it."""
    refused = 2 * MAX_STREAMS
    gc.disable()
    try:
        with journal_in(tmp_path) as journal, door(journal) as (server, counters):
            with grpc.insecure_channel(server.addresses[0]) as channel:
                call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(TRACES)
                codes = Counter(call.future(b"\xff", timeout=10).code() for _ in range(refused))
            assert codes == {grpc.StatusCode.INVALID_ARGUMENT: refused}
            assert counters.refused == {RefusalReason.MALFORMED: refused}
    finally:
        gc.enable()


def test_unknown_methods_are_unimplemented(tmp_path: Path) -> None:
    with journal_in(tmp_path) as journal, door(journal) as (server, _):
        with pytest.raises(grpc.RpcError) as info:
            export(server.addresses[0], b"", "/opentelemetry.proto.collector.profiles.v1.ProfilesService/Export")
        assert info.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_taken_port_is_one_clear_error(tmp_path: Path) -> None:
    """Not SO_REUSEPORT: two daemons would share the traffic without a word."""
    with journal_in(tmp_path) as journal, door(journal) as (server, _):
        with pytest.raises(CannotListen, match=f"cannot listen on {server.addresses[0]}: Address already in use"):
            serve([server.addresses[0]], Reception(journal))
        assert export(server.addresses[0], trace_request(1)) == b""


def test_a_unix_socket_is_for_the_group_and_goes_away(tmp_path: Path) -> None:
    """K5, R41: 0660, and 0750 for a directory that was not there."""
    path = tmp_path / "made" / "otlp.sock"
    with journal_in(tmp_path) as journal, door(journal, f"unix:{path}"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o750
    assert not path.exists()


def test_a_stale_unix_socket_is_replaced_a_live_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "otlp.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with journal_in(tmp_path) as journal, door(journal, f"unix:{path}") as (server, _):
        with pytest.raises(CannotListen, match="another process does"):
            serve(server.addresses, Reception(journal))
        assert export(server.addresses[0], trace_request(1)) == b""


def test_a_file_in_the_place_of_a_unix_socket_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("mine")
    with journal_in(tmp_path) as journal, pytest.raises(CannotListen, match="is not a socket"):
        serve([f"unix:{path}"], Reception(journal))
    assert path.read_text() == "mine"
