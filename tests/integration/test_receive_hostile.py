"""Senders that mean harm, against a real daemon (battery R16 to R19, R22, R42): it lives, in bounded memory.

A healthy sender is served throughout. Memory is the resident set of the daemon's process, sampled; the bound is stated
beside each test, for the limits of `SETTINGS`.
"""

import contextlib
import gzip
import http.client
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import psutil
import pytest
from google.rpc.status_pb2 import Status
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.daemon import RunningDaemon, daemon, until
from tests.support.doors import trace_request
from tests.support.otlp_ways import read_status

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
PROTOBUF = {"content-type": "application/x-protobuf"}
JSON = {"content-type": "application/json"}
GZIP = {"content-encoding": "gzip"}
LIMIT = 16 << 20
SETTINGS = {
    "RECEIVE__MAX_MESSAGE_BYTES": str(LIMIT),
    "RECEIVE__REQUEST_TIMEOUT_S": "1",
    "RECEIVE__MAX_CONNECTIONS": "300",
}
MEMORY_BYTES = 256 << 20
HEALTHY = trace_request(1)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    with daemon(tmp_path_factory.mktemp("hostile"), **SETTINGS) as found:
        yield found
        assert found.process.poll() is None


@pytest.fixture(scope="module")
def client(running: RunningDaemon) -> Iterator[httpx.Client]:
    limits = httpx.Limits(max_keepalive_connections=0)
    with httpx.Client(base_url=f"http://{running.endpoints.http}", trust_env=False, timeout=30, limits=limits) as found:
        yield found


@contextlib.contextmanager
def watched(running: RunningDaemon) -> Iterator[None]:
    """Memory stays below the bound, and a healthy sender is served, while the block runs."""
    process, stop = psutil.Process(running.process.pid), threading.Event()
    peaks, lost = [process.memory_info().rss], []

    def watch() -> None:
        with grpc.insecure_channel(running.endpoints.grpc[0]) as channel:
            call: Any = channel.unary_unary(EXPORT)
            while not stop.wait(0.02):
                peaks.append(process.memory_info().rss)
                future = call.future(HEALTHY, timeout=10)
                if future.code() is not grpc.StatusCode.OK:
                    lost.append(future.details())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        stop.set()
        watcher.join()
    print(f"resident at most {max(peaks) >> 20} MiB, at the end {peaks[-1] >> 20} MiB")
    assert max(peaks) < MEMORY_BYTES
    assert [why for why in lost if "received" not in str(why)] == []  # told to wait is not lost


def post(client: httpx.Client, content: Any, headers: dict[str, str]) -> int:
    """The status code; whatever is refused has a google.rpc.Status."""
    answer = client.post("/v1/traces", content=content, headers=headers)
    if answer.status_code != 200:
        assert read_status(answer).message
    return answer.status_code


def field(number: int, payload: bytes) -> bytes:
    """A length-delimited protobuf field."""
    size, length = len(payload), bytearray()
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([number << 3 | 2, *length, size]) + payload


def spans(payload: bytes) -> bytes:
    """A request around serialised spans."""
    return field(1, field(2, payload))


def nested_value(depth: int) -> bytes:
    value = b"\x0a\x01x"
    for _ in range(depth):
        value = field(5, field(1, value))
    return value


def attributes(count: int, number_of_field: int = 9) -> bytes:
    return b"".join(field(number_of_field, field(1, b"%d" % number)) for number in range(count))


STRUCTURES = {
    "2.1 M empty spans": (spans(b"\x12\x00" * (2 << 20)), 413),
    "100k attributes": (spans(field(2, attributes(100_000))), 200),
    "1 M attributes": (spans(field(2, attributes(1_000_000))), 413),
    "1 MB key": (spans(field(2, field(9, field(1, b"k" * 1_000_000)))), 200),
    "depth 5,000": (spans(field(2, field(9, field(1, b"gen_ai.request.model") + field(2, nested_value(5_000))))), 200),
    "1 M events": (spans(field(2, b"\x7a\x02\x18\x02" + b"\x5a\x00" * 1_000_000)), 413),
    "1 M links": (spans(field(2, b"\x6a\x00" * 1_000_000)), 413),
    "an array of 1 M values": (spans(field(2, field(9, field(2, field(5, b"\x0a\x00" * 1_000_000))))), 413),
    "a resource of 1 M attributes": (
        field(1, field(1, b"".join(field(1, field(1, b"%d" % n)) for n in range(1_000_000)))),
        413,
    ),
}


@pytest.mark.parametrize("name", STRUCTURES)
def test_structure_bombs(name: str, running: RunningDaemon, client: httpx.Client) -> None:
    """R18: refused, or taken and survived. Bound: 256 MiB, with messages up to 16 MiB."""
    body, code = STRUCTURES[name]
    with watched(running):
        assert post(client, body, PROTOBUF) == code
        assert post(client, gzip.compress(body, 1), PROTOBUF | GZIP) == code
        until(lambda: running.status().journal.backlog_bytes < 10_000_000)


JSON_STRUCTURES = {
    "empty lists": b'{"resourceSpans":[' + b"[]," * 3_000_000 + b"[]]}",
    "empty spans": b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + b"{}," * 3_000_000 + b"{}]}]}]}",
    "unknown names": b'{"x":{' + b",".join(b'"%d":0' % n for n in range(1_000_000)) + b"}}",
    "depth": b"[" * 10_000_000,
}


@pytest.mark.parametrize("name", JSON_STRUCTURES)
def test_json_bombs(name: str, running: RunningDaemon, client: httpx.Client) -> None:
    """R18: the same bound."""
    with watched(running):
        assert post(client, JSON_STRUCTURES[name], JSON) == 413
        assert post(client, gzip.compress(JSON_STRUCTURES[name], 1), JSON | GZIP) == 413


def bomb(size: int) -> bytes:
    """gzip of that many zeros."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join([*(deflater.compress(bytes(1 << 20)) for _ in range(size >> 20)), deflater.flush()])


def test_gzip_bombs(running: RunningDaemon, client: httpx.Client) -> None:
    """R17: 1 GiB behind 1 MB, and one inside another, eight at once."""
    inner = bomb(1 << 30)
    with watched(running):
        for content in (inner, gzip.compress(inner)):
            assert post(client, content, PROTOBUF | GZIP) in (400, 413)
        senders = [threading.Thread(target=post, args=(client, inner, PROTOBUF | GZIP)) for _ in range(8)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()


def test_gzip_bombs_over_grpc(running: RunningDaemon) -> None:
    """R17: grpc's own core inflates, and stops at the limit."""
    unlimited = [("grpc.max_send_message_length", -1)]
    with watched(running), grpc.insecure_channel(running.endpoints.grpc[0], unlimited) as channel:
        call: Any = channel.unary_unary(EXPORT)
        future = call.future(bytes(100 << 20), timeout=20, compression=grpc.Compression.Gzip)
        assert future.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_bodies_that_never_end(running: RunningDaemon) -> None:
    """R17: 4 GB declared, and pieces without an end; answered once the limit is passed."""
    host, _, port = running.endpoints.http.rpartition(":")
    head = "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\n"
    with watched(running):
        for length in ("Content-Length: 4000000000", "Transfer-Encoding: chunked"):
            with socket.create_connection((host, int(port)), timeout=10) as sender:
                sender.sendall(f"{head}{length}\r\n\r\n".encode())
                with contextlib.suppress(OSError):
                    while True:
                        sender.sendall(b"10000\r\n" + bytes(1 << 16) + b"\r\n")


BEGINNINGS = (b"", b"POST /v1/tra", b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nX: ")


def test_slow_and_idle_senders_are_let_go(running: RunningDaemon) -> None:
    """R19, light: 400 connections that say nothing or little; the healthy one goes on, and all are closed in time."""
    host, _, port = running.endpoints.http.rpartition(":")
    with watched(running), contextlib.ExitStack() as stack:
        senders = []
        for number in range(400):
            sender = stack.enter_context(socket.create_connection((host, int(port)), timeout=10))
            with contextlib.suppress(OSError):
                sender.sendall(
                    (b"", b"POST /v1/tra", b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nX: ")[number % 3]
                )
            senders.append(sender)
        for sender in senders:
            with contextlib.suppress(ConnectionResetError):
                assert sender.recv(1) == b""
    until(lambda: httpx.post(f"http://{running.endpoints.http}/v1/traces", headers=PROTOBUF).status_code == 200)


def test_rapid_resets_and_many_streams(running: RunningDaemon) -> None:
    """R19, light: 2,000 calls cancelled at once on one connection."""
    with watched(running), grpc.insecure_channel(running.endpoints.grpc[0]) as channel:
        call: Any = channel.unary_unary(EXPORT)
        for _ in range(10):
            for future in [call.future(HEALTHY) for _ in range(200)]:
                future.cancel()
        assert call(HEALTHY, timeout=10) == b""


@given(
    st.binary(max_size=300),
    st.sampled_from([{}, GZIP]),
    st.sampled_from([PROTOBUF, JSON]),
)  # fmt: skip
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_body_is_taken_or_refused_with_a_status(
    client: httpx.Client, body: bytes, encoding: dict[str, str], form: dict[str, str]
) -> None:
    """R16: wire, JSON and gzip framing. Never 5xx: nothing here is our fault or worth another try."""
    for content in (body, gzip.compress(body), gzip.compress(body)[: len(body) // 2]):
        assert post(client, content, form | encoding) in (200, 400)


@given(st.binary(min_size=1, max_size=200).filter(lambda data: b"\n" not in data))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_header_is_taken_or_refused_with_a_status(running: RunningDaemon, line: bytes) -> None:
    """R16: also what is not HTTP at all."""
    host, _, port = running.endpoints.http.rpartition(":")
    head = b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\n"
    for sent in (head + line + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", line + b"\r\n\r\n"):
        with socket.create_connection((host, int(port)), timeout=10) as sender:
            sender.sendall(sent)
            answer = http.client.HTTPResponse(sender)
            try:
                answer.begin()
            except (http.client.RemoteDisconnected, ConnectionResetError):
                continue  # not even a whole request: closed in time
            body = answer.read()
            if answer.status != 200:
                assert Status.FromString(body).message


def test_headers_are_capped(client: httpx.Client, running: RunningDaemon) -> None:
    """R39: 16 KiB."""
    assert post(client, b"", PROTOBUF | {"x": "a" * 15_000}) == 200
    assert post(client, b"", PROTOBUF | {"x": "a" * 17_000}) in (400, 431)
    with grpc.insecure_channel(running.endpoints.grpc[0]) as channel:
        call: Any = channel.unary_unary(EXPORT)
        assert call.future(HEALTHY, timeout=10, metadata=[("x", "a" * 20_000)]).code() is not grpc.StatusCode.OK
        assert call(HEALTHY, timeout=10) == b""


def test_browsers_are_kept_out(client: httpx.Client) -> None:
    """R42: what a page can send without asking, a preflight, and a rebound name."""
    page = {"origin": "https://evil.example"}
    for simple in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        assert post(client, b"{}", page | {"content-type": simple}) == 415
    assert post(client, b"", page | PROTOBUF | {"host": "evil.example"}) == 403
    preflight = client.options("/v1/traces", headers=page | {"access-control-request-method": "POST"})
    assert preflight.status_code == 405
    assert not [name for name in preflight.headers if name.startswith("access-control")]


def test_what_was_sent_starts_no_line_in_the_log(tmp_path: Path) -> None:
    """R22: control characters everywhere, in JSON and protobuf, paths and headers."""
    evil = "\r\n\x1b[31mtime=now level=error message=forged\u202e\0"
    escaped = '{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"\\r\\n\\u001b[31mforged","traceId":"00"}]}]}]}'
    with daemon(tmp_path, **SETTINGS) as running:
        url = f"http://{running.endpoints.http}"
        assert httpx.post(f"{url}/v1/traces", content=trace_request(2, evil), headers=PROTOBUF).status_code == 200
        assert httpx.post(f"{url}/v1/traces", content=escaped, headers=JSON).status_code == 200
        assert httpx.post(f"{url}/v1/%0d%0aforged", content=b"", headers=PROTOBUF).status_code == 404
        host, _, port = running.endpoints.http.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=10) as sender:
            sender.sendall(b"\x1b[31mforged\r\n\r\n")
            sender.recv(1000)
        time.sleep(0.2)
        log = running.stop()
    assert "forged" not in log
    assert "\x1b" not in log
    assert all(line.startswith("time=") for line in log.splitlines())
