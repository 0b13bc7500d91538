"""The HTTP door (P1, K5): answers as OTLP/HTTP asks, bodies bounded on both sides of gzip, browsers kept out."""

import gzip
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from tests.support.doors import journal_in, logs_request, metrics_request, stored, trace_request

from spanwand_sidecar.journal import FrameKind, Journal
from spanwand_sidecar.receive import CannotListen, Counters, ReceiveConfig, RefusalReason, Signal
from spanwand_sidecar.receive.http import serve
from spanwand_sidecar.receive.reception import Reception

PROTOBUF = {"content-type": "application/x-protobuf"}
GZIP = {**PROTOBUF, "content-encoding": "gzip"}
LIMITS = ReceiveConfig()


@contextmanager
def door(journal: Journal, limits: ReceiveConfig = LIMITS) -> Iterator[tuple[httpx.Client, Counters]]:
    reception = Reception(journal, limits)
    server = serve("127.0.0.1:0", reception)
    try:
        with httpx.Client(base_url=f"http://{server.addresses[0]}", trust_env=False) as client:
            yield client, reception.counters
    finally:
        server.stop(1.0)


def check_refused(response: httpx.Response, status_code: int) -> Status:
    """Every error body is a google.rpc.Status."""
    assert response.status_code == status_code
    assert response.headers["content-type"] == "application/x-protobuf"
    status = Status.FromString(response.content)
    assert status.message
    return status


def test_an_acknowledged_body_is_in_the_journal_as_it_was_sent(tmp_path: Path) -> None:
    body = trace_request(3)
    begun = datetime.now(UTC).replace(microsecond=0)
    with journal_in(tmp_path) as journal, door(journal) as (client, counters):
        for content, headers in ((body, PROTOBUF), (gzip.compress(body), GZIP)):
            response = client.post("/v1/traces", content=content, headers=headers)
            assert (response.status_code, response.content) == (200, b"")
            assert response.headers["content-type"] == "application/x-protobuf"
            assert parsedate_to_datetime(response.headers["date"]) >= begun
        assert stored(journal) == [body, body]
        assert (counters.accepted[Signal.TRACES], counters.accepted_bytes) == (6, 2 * len(body))


def test_the_stock_exporter(tmp_path: Path) -> None:
    with journal_in(tmp_path) as journal, door(journal) as (client, counters):
        provider = TracerProvider()
        exporter = OTLPSpanExporter(endpoint=f"{client.base_url}/v1/traces")
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        with provider.get_tracer("tests").start_as_current_span("by http"):
            pass
        provider.shutdown()
        assert b"by http" in stored(journal)[0]
        assert counters.accepted[Signal.TRACES] == 1


def test_other_signals_are_kept_and_counted(tmp_path: Path) -> None:
    """What is no request of theirs is refused like any other."""
    bodies = {"metrics": metrics_request(2), "logs": logs_request(2)}
    with journal_in(tmp_path) as journal, door(journal) as (client, counters):
        for signal, body in bodies.items():
            assert client.post(f"/v1/{signal}", content=body, headers=PROTOBUF).status_code == 200
            assert client.post(f"/v1/{signal}", content=b"anything", headers=PROTOBUF).status_code == 400
        assert counters.accepted == {Signal.METRICS: 2, Signal.LOGS: 2}
        kinds = [FrameKind.OTLP_METRICS, FrameKind.OTLP_LOGS]
        assert [(frame.kind, frame.body) for frame in journal.read(0)] == list(zip(kinds, bodies.values(), strict=True))


@pytest.mark.parametrize(
    ("content", "headers"),
    [(b"\xff\xff", PROTOBUF), (b"not gzip", GZIP), (gzip.compress(b"")[:-4], GZIP), (gzip.compress(b"") + b"x", GZIP)],
    ids=["protobuf", "gzip", "cut", "trailing"],
)
def test_malformed_is_400(tmp_path: Path, content: bytes, headers: dict[str, str]) -> None:
    with journal_in(tmp_path) as journal, door(journal) as (client, counters):
        check_refused(client.post("/v1/traces", content=content, headers=headers), 400)
        assert counters.refused == {RefusalReason.MALFORMED: 1}


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_other_content_types_are_415(tmp_path: Path, content_type: str) -> None:
    """Among them all that a web page can send without asking (battery R42)."""
    with journal_in(tmp_path) as journal, door(journal) as (client, _):
        response = client.post("/v1/traces", content=b"{}", headers={"content-type": content_type})
        assert "application/x-protobuf" in check_refused(response, 415).message


def test_other_encodings_are_415(tmp_path: Path) -> None:
    with journal_in(tmp_path) as journal, door(journal) as (client, _):
        check_refused(client.post("/v1/traces", content=b"", headers={**PROTOBUF, "content-encoding": "zstd"}), 415)


def test_too_large_is_413_before_and_after_inflation_and_in_pieces(tmp_path: Path) -> None:
    body = trace_request(1, "a" * 100_000)
    with journal_in(tmp_path) as journal, door(journal, ReceiveConfig(max_message_bytes=50_000)) as (client, counters):
        check_refused(client.post("/v1/traces", content=body, headers=PROTOBUF), 413)
        check_refused(client.post("/v1/traces", content=gzip.compress(body), headers=GZIP), 413)
        pieces = (body[at : at + 10_000] for at in range(0, len(body), 10_000))
        check_refused(client.post("/v1/traces", content=pieces, headers=PROTOBUF), 413)
        assert counters.refused == {RefusalReason.TOO_LARGE: 3}
        assert stored(journal) == []


def test_an_early_refusal_is_heard_by_a_sender_that_is_still_sending(tmp_path: Path) -> None:
    """A reset instead of the 413 would be sent again."""
    body = trace_request(1, "a" * 5_000_000)
    with journal_in(tmp_path) as journal, door(journal, ReceiveConfig(max_message_bytes=50_000)) as (client, counters):
        for _ in range(20):
            check_refused(client.post("/v1/traces", content=body, headers=PROTOBUF), 413)
            assert client.post("/v1/traces", content=trace_request(1), headers=PROTOBUF).status_code == 200
        assert counters.accepted[Signal.TRACES] == 20


def test_an_endless_body_is_cut_off(tmp_path: Path) -> None:
    """Battery R17: the answer comes once the limit is passed, and soon after the connection is closed."""
    with journal_in(tmp_path) as journal, door(journal, ReceiveConfig(max_message_bytes=50_000)) as (client, _):
        address = (client.base_url.host, client.base_url.port or 0)
        with socket.create_connection(address, timeout=10) as sender:
            head = "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\n"
            sender.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
            try:
                while True:
                    sender.sendall(b"2710\r\n" + bytes(10_000) + b"\r\n")
            except (BrokenPipeError, ConnectionResetError):
                pass
        assert client.post("/v1/traces", content=b"", headers=PROTOBUF).status_code == 200


def test_too_many_spans_is_413(tmp_path: Path) -> None:
    with journal_in(tmp_path) as journal, door(journal, ReceiveConfig(max_spans=100)) as (client, _):
        check_refused(client.post("/v1/traces", content=trace_request(200), headers=PROTOBUF), 413)


def test_a_full_journal_is_503_with_retry_after(tmp_path: Path) -> None:
    body = trace_request(1, "a" * 40_000)
    with (
        journal_in(tmp_path, max_bytes=1 << 16) as journal,
        door(journal, ReceiveConfig(retry_after_s=2.5)) as (
            client,
            counters,
        ),
    ):
        assert client.post("/v1/traces", content=body, headers=PROTOBUF).status_code == 200
        response = client.post("/v1/traces", content=body, headers=PROTOBUF)
        status = check_refused(response, 503)
        assert response.headers["retry-after"] == "3"
        assert status.details[0].Is(RetryInfo.DESCRIPTOR)
        assert counters.refused == {RefusalReason.JOURNAL_FULL: 1}


def test_wrong_path_and_method(tmp_path: Path) -> None:
    with journal_in(tmp_path) as journal, door(journal) as (client, _):
        check_refused(client.post("/v2/traces", content=b"", headers=PROTOBUF), 404)
        response = client.get("/v1/traces")
        check_refused(response, 405)
        assert response.headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("host", "status_code"),
    [("localhost:4318", 200), ("127.0.0.1", 200), ("[::1]:4318", 200), ("evil.example:4318", 403), ("10.0.0.1", 403)],
)
def test_on_loopback_only_loopback_names_are_served(tmp_path: Path, host: str, status_code: int) -> None:
    """A page that rebinds its own name to 127.0.0.1 gets nothing (battery R42); no CORS header either way."""
    with journal_in(tmp_path) as journal, door(journal) as (client, _):
        headers = {**PROTOBUF, "host": host, "origin": "https://evil.example"}
        response = client.post("/v1/traces", content=b"", headers=headers)
        assert response.status_code == status_code
        assert not [name for name in response.headers if name.startswith("access-control")]


def test_a_taken_port_is_one_clear_error(tmp_path: Path) -> None:
    with journal_in(tmp_path) as journal, door(journal) as (client, _):
        address = f"{client.base_url.host}:{client.base_url.port}"
        with pytest.raises(CannotListen, match=f"cannot listen on {address}: Address already in use"):
            serve(address, Reception(journal))
