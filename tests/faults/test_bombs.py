"""R17, R18: bodies that are small on the wire and huge behind it, or huge and many: bounded memory, others served.

The quick part is in tests/integration/test_receive_bombs.py.
"""

import asyncio
import gzip
import socket
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import httpx
import pytest

from spanwand_sidecar.receive import ReceiveConfig
from tests.faults.attack import Harm, harm_of
from tests.faults.otlp import EXPORT, request
from tests.faults.targets import Spanwand
from tests.support.otlp_ways import read_status

MAX_RSS_MIB = 256
LOOSE_S = 5.0
"""Asserted on a machine with other work; what was measured is reported."""
PROTOBUF = {"content-type": "application/x-protobuf"}
GZIP = {**PROTOBUF, "content-encoding": "gzip"}
GIB = 1 << 30
Report = Callable[[str], None]


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Spanwand]:
    """With the limits it has by default."""
    with Spanwand(tmp_path, "jsonl") as target:
        yield target


def assert_served(name: str, harm: Harm, report: Report) -> None:
    report(f"{name}: {harm}")
    assert harm.peak_rss_mib < MAX_RSS_MIB
    assert harm.p99_s < LOOSE_S


def bomb(size_bytes: int) -> bytes:
    """gzip of so many zeros, about a thousandth of that: one piece of it again and again. Its checksum is wrong."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = deflater.compress(bytes(1 << 20)) + deflater.flush(zlib.Z_FULL_FLUSH)
    return gzip.compress(b"")[:10] + piece * (size_bytes >> 20) + b"\x03\x00" + bytes(8)


def post(target: Spanwand, body: bytes, headers: dict[str, str]) -> tuple[int, float]:
    """The answer, which is a Status if it is not OK, and the seconds it took."""
    begun_s = time.monotonic()
    url = f"http://{target.running().endpoints.http}/v1/traces"
    answer = httpx.post(url, content=body, headers=headers, timeout=60, trust_env=False)
    assert answer.status_code == 200 or read_status(answer).message
    return answer.status_code, time.monotonic() - begun_s


@pytest.mark.faults
def test_10_gib_behind_10_mb(target: Spanwand, tmp_path: Path, report: Report) -> None:
    """R17; and the same inside another gzip, which is no request."""
    inner = bomb(10 * GIB)
    took: list[tuple[int, float]] = []

    def attack() -> None:
        took.extend(post(target, body, GZIP) for body in (inner, gzip.compress(inner, 1)))

    harm = harm_of(target, tmp_path, attack)
    assert took[0][0] in (413, 503)  # alone, or beside others who hold a part of what may be held
    assert took[1][0] == 400
    assert_served(f"R17 gzip, {len(inner) / 1e6:.1f} MB of 10 GiB: answered in {took[0][1]:.1f} s", harm, report)


async def at_once(address: str, bodies: list[bytes]) -> Counter[str]:
    """Each on a connection of its own; how often each code came."""

    async def send(body: bytes) -> str:
        options = [("grpc.max_send_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]
        async with grpc.aio.insecure_channel(address, options=options) as channel:
            call: Any = channel.unary_unary(EXPORT)
            try:
                await call(body, timeout=60, wait_for_ready=True)  # a busy machine is slow to connect
            except grpc.aio.AioRpcError as error:
                return error.code().name
            return "OK"

    return Counter(await asyncio.gather(*map(send, bodies)))


@pytest.mark.parametrize(
    "size_bytes", [pytest.param(7 << 20, marks=pytest.mark.slow), pytest.param(64 << 20, marks=pytest.mark.faults)]
)
def test_eight_large_messages_at_once_over_grpc(
    target: Spanwand, tmp_path: Path, report: Report, size_bytes: int
) -> None:
    """R17: those within the limit are taken, or told to come again; those over it are refused for good."""
    bodies = [request(7, number, 1, padding=size_bytes) for number in range(1, 9)]
    answers: Counter[str] = Counter()
    harm = harm_of(target, tmp_path, lambda: answers.update(asyncio.run(at_once(target.address, bodies))))
    assert set(answers) <= ({"OK", "UNAVAILABLE"} if size_bytes < 8 << 20 else {"RESOURCE_EXHAUSTED"})
    assert_served(f"R17 8 gRPC messages of {size_bytes >> 20} MiB at once, {dict(answers)}", harm, report)


@pytest.mark.faults
def test_eight_large_bodies_at_once_over_http(target: Spanwand, tmp_path: Path, report: Report) -> None:
    """R17: 30 MiB each, within the limit. Who still sends two seconds after a 503 is cut off, which is no answer."""
    body = request(7, 1, 1, padding=30 << 20)
    codes: Counter[int] = Counter()

    async def send(client: httpx.AsyncClient, url: str) -> None:
        try:
            codes[(await client.post(url, content=body, headers=PROTOBUF)).status_code] += 1
        except httpx.TransportError:
            codes[0] += 1

    async def attack() -> None:
        url = f"http://{target.running().endpoints.http}/v1/traces"
        async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
            await asyncio.gather(*(send(client, url) for _ in range(8)))

    harm = harm_of(target, tmp_path, lambda: asyncio.run(attack()))
    assert set(codes) <= {0, 200, 503}
    assert codes[200]
    assert_served(f"R17 8 HTTP bodies of 30 MiB at once, {dict(codes)}", harm, report)


ENDLESS = {"4 GB declared": "Content-Length: 4000000000", "chunks without end": "Transfer-Encoding: chunked"}


def pour(target: Spanwand, header: str) -> tuple[int, float]:
    """Send until the connection is closed; the first answer's code, and seconds from crossing the limit to it."""
    host, _, port = target.running().endpoints.http.rpartition(":")
    chunk = b"100000\r\n" + bytes(1 << 20) + b"\r\n"
    head = "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\n"
    with socket.create_connection((host, int(port)), timeout=20) as sender:
        sender.sendall(f"{head}{header}\r\n\r\n".encode())
        crossed_s = time.monotonic()
        sender.settimeout(0.001)
        sent = 0
        while True:
            try:
                if answer := sender.recv(100):
                    return int(answer.split()[1]), time.monotonic() - crossed_s
            except TimeoutError:
                sender.settimeout(20)
                sender.sendall(chunk)
                sender.settimeout(0.001)
                sent += len(chunk)
                if sent <= ReceiveConfig().max_message_bytes and "chunked" in header:
                    crossed_s = time.monotonic()


@pytest.mark.faults
@pytest.mark.parametrize("name", ENDLESS)
def test_bodies_without_end(target: Spanwand, tmp_path: Path, report: Report, name: str) -> None:
    """R17: answered within a second after the limit is crossed."""
    found: list[tuple[int, float]] = []
    harm = harm_of(target, tmp_path, lambda: found.append(pour(target, ENDLESS[name])))
    code, took_s = found[0]
    assert code == 413
    assert_served(f"R17 {name}: answered {took_s:.2f} s behind the limit", harm, report)


def field(number: int, payload: bytes) -> bytes:
    """A length-delimited protobuf field."""
    size, length = len(payload), bytearray()
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([number << 3 | 2, *length, size]) + payload


def one_span(payload: bytes) -> bytes:
    return field(1, field(2, field(2, payload)))


STRUCTURES = {
    "2.1 M empty spans": field(1, field(2, b"\x12\x00" * (2 << 20))),
    "100k attributes": one_span(b"".join(field(9, field(1, b"%d" % number)) for number in range(100_000))),
    "a key of 1 MB": one_span(field(9, field(1, b"k" * 1_000_000))),
    "1 M events": one_span(b"\x5a\x00" * 1_000_000),
    "1 M links": one_span(b"\x6a\x00" * 1_000_000),
}


@pytest.mark.faults
def test_structure_bombs(target: Spanwand, tmp_path: Path, report: Report) -> None:
    """R18: all of them, over both doors, again and again for some seconds; the longest any request took is told."""

    def attack() -> None:
        with grpc.insecure_channel(target.address) as channel:
            call: Any = channel.unary_unary(EXPORT)
            for _ in range(3):
                for body in STRUCTURES.values():
                    post(target, body, PROTOBUF)
                    call.future(body, timeout=30).code()

    assert_served("R18 structure bombs", harm_of(target, tmp_path, attack), report)
