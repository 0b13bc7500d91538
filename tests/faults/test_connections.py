"""R19: connections that idle, come and go, crawl, or open and reset streams. Others are served, files are bounded."""

import contextlib
import resource
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.faults.attack import Harm, harm_of
from tests.faults.http2 import CANCEL, END_HEADERS, HEADERS, RST_STREAM, frame, grpc_headers, opening
from tests.faults.otlp import EXPORT, request
from tests.faults.proxy import ThrottlingProxy
from tests.faults.targets import Spanwand

MAX_RSS_MIB = 256
LOOSE_S = 5.0
"""Asserted on a machine with other work; what was measured is reported."""
FILES = 15_000
RESETS_PER_S = 10_000
Report = Callable[[str], None]


@pytest.fixture(autouse=True)
def enough_files() -> Iterator[None]:
    """Both ends of some thousand connections are ours."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < FILES:
        pytest.skip(f"this user may have {hard} files open, which is too few for thousands of connections")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, FILES), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Spanwand]:
    with Spanwand(tmp_path, "jsonl", RECEIVE__REQUEST_TIMEOUT_S="5") as target:
        yield target


def assert_served(name: str, harm: Harm, report: Report) -> None:
    report(f"R19 {name}: {harm}")
    assert harm.peak_rss_mib < MAX_RSS_MIB
    assert harm.p99_s < LOOSE_S
    assert harm.most_files < 0.8 * FILES


def place(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)


def idle(target: Spanwand, count: int, seconds: float) -> None:
    """Half at each door; the HTTP one closes what is over its limit."""
    doors = (place(target.address), place(target.running().endpoints.http))
    with contextlib.ExitStack() as stack:
        for number in range(count):
            with contextlib.suppress(OSError):
                stack.enter_context(socket.create_connection(doors[number % 2], timeout=5))
        time.sleep(seconds)


def come_and_go(target: Spanwand, per_s: int, seconds: float) -> None:
    doors = (place(target.address), place(target.running().endpoints.http))
    for number in range(int(per_s * seconds)):
        with contextlib.suppress(OSError), socket.create_connection(doors[number % 2], timeout=5) as connection:
            connection.sendall(b"POST /v1/traces HTTP/1.1\r\n")
        time.sleep(1 / per_s)


def crawl(target: Spanwand, calls: int, seconds: float) -> None:
    """gRPC messages of 4 MB at 100 kB/s, more than are received at once; and HTTP requests without an end."""
    http = place(target.running().endpoints.http)
    body = request(9, 1, 1, padding=4_000_000)
    with ThrottlingProxy(target.address, 100_000) as proxy, contextlib.ExitStack() as stack:
        for _ in range(calls):
            options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", -1)]
            channel = stack.enter_context(grpc.insecure_channel(proxy.address, options))
            call: Any = channel.unary_unary(EXPORT)
            stack.callback(call.future(body, timeout=seconds).cancel)
            connection = stack.enter_context(socket.create_connection(http, timeout=5))
            connection.sendall(b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4000\r\n\r\n")
        time.sleep(seconds)


def many_streams(target: Spanwand, count: int) -> None:
    """Calls at once on one connection; all are answered."""
    with grpc.insecure_channel(target.address) as channel:
        call: Any = channel.unary_unary(EXPORT)
        futures = [call.future(request(8, number, 1), timeout=30) for number in range(1, count + 1)]
        assert {future.code() for future in futures} <= {grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE}


def rapid_reset(target: Spanwand, seconds: float) -> int:
    """10,000 streams a second, opened and reset, on as many connections as it takes; how many it were."""
    sent, head, end_s = 0, grpc_headers(EXPORT), time.monotonic() + seconds
    while time.monotonic() < end_s:
        with contextlib.suppress(OSError), socket.create_connection(place(target.address), timeout=5) as connection:
            connection.sendall(opening())
            for first in range(1, 20_000, 200):
                streams = range(first, first + 200, 2)
                connection.sendall(
                    b"".join(frame(HEADERS, END_HEADERS, s, head) + frame(RST_STREAM, 0, s, CANCEL) for s in streams)
                )
                sent += len(streams)
                time.sleep(len(streams) / RESETS_PER_S)
    return sent


def flood(target: Spanwand, size: float) -> None:
    """All of it at once; `size` 1 is what the battery asks for."""
    attacks: list[Callable[[], object]] = [
        lambda: idle(target, int(5_000 * size), 15 * size),
        lambda: come_and_go(target, 200, 15 * size),
        lambda: crawl(target, 12, 15 * size),
        lambda: many_streams(target, 1_000),
        lambda: rapid_reset(target, 15 * size),
    ]
    with ThreadPoolExecutor(len(attacks)) as pool:
        for done in [pool.submit(attack) for attack in attacks]:
            done.result()


@pytest.mark.slow
def test_slow_senders_keep_nobody_out(target: Spanwand, tmp_path: Path, report: Report) -> None:
    assert_served("slow senders", harm_of(target, tmp_path, lambda: crawl(target, 12, 4)), report)


@pytest.mark.slow
def test_rapid_resets(target: Spanwand, tmp_path: Path, report: Report) -> None:
    sent: list[int] = []
    harm = harm_of(target, tmp_path, lambda: sent.append(rapid_reset(target, 4)))
    assert_served(f"{sent[0]:,} rapid resets", harm, report)


@pytest.mark.faults
def test_a_light_flood(target: Spanwand, tmp_path: Path, report: Report) -> None:
    assert_served(
        "1,000 idle, connects, crawlers, streams, resets", harm_of(target, tmp_path, lambda: flood(target, 0.2)), report
    )


@pytest.mark.faults
@pytest.mark.timeout(300)
def test_the_whole_flood(target: Spanwand, tmp_path: Path, report: Report) -> None:
    assert_served(
        "5,000 idle, connects, crawlers, streams, resets", harm_of(target, tmp_path, lambda: flood(target, 1)), report
    )


@pytest.mark.faults
@pytest.mark.timeout(300)
def test_5_000_idle_connections(target: Spanwand, tmp_path: Path, report: Report) -> None:
    assert_served("5,000 idle", harm_of(target, tmp_path, lambda: idle(target, 5_000, 10)), report)
