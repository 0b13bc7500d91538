"""Senders that mean harm, against a real daemon (battery R16, R19, R22, R39, R42): it lives and answers others.

Memory is the resident set of the daemon's process: 256 MiB at most, with messages up to 16 MiB.
"""

import contextlib
import gzip
import http.client
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from google.rpc.status_pb2 import Status
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.daemon import RunningDaemon, daemon, until
from tests.support.doors import trace_request
from tests.support.hostile import EXPORT, GZIP, HEALTHY, JSON, PROTOBUF, SETTINGS, attacked, http_client, post, watched


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    with attacked(tmp_path_factory.mktemp("hostile")) as found:
        yield found


@pytest.fixture(scope="module")
def client(running: RunningDaemon) -> Iterator[httpx.Client]:
    with http_client(running) as found:
        yield found


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
    """R19, light: 2,000 calls cancelled at once on one connection.

    The next one may come before the server has put those away, and is refused then (REFUSED_STREAM: try again).
    """
    with watched(running), grpc.insecure_channel(running.endpoints.grpc[0]) as channel:
        call: Any = channel.unary_unary(EXPORT)

        def is_answered() -> bool:
            try:
                return bool(call(HEALTHY, timeout=10) == b"")
            except grpc.RpcError as error:
                if "RST_STREAM" in str(error):
                    return False
                raise

        for _ in range(10):
            for future in [call.future(HEALTHY) for _ in range(200)]:
                future.cancel()
        until(is_answered, 10)


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
