"""Requests that are small on the wire and large in memory, against a real daemon (battery R17, R18).

Memory is the resident set of the daemon's process: 256 MiB at most, with messages up to 16 MiB.
"""

import contextlib
import gzip
import socket
import threading
import zlib
from collections.abc import Iterator
from typing import Any

import grpc
import httpx
import pytest
from tests.support.daemon import RunningDaemon, until
from tests.support.hostile import EXPORT, GZIP, JSON, PROTOBUF, attacked, http_client, post, watched


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    with attacked(tmp_path_factory.mktemp("hostile")) as found:
        yield found


@pytest.fixture(scope="module")
def client(running: RunningDaemon) -> Iterator[httpx.Client]:
    with http_client(running) as found:
        yield found


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
