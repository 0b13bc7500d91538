"""A real daemon that senders harm, watched: its memory, and whether a healthy sender is served meanwhile."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import psutil

from tests.support.daemon import RunningDaemon, daemon
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
OWN_CONNECTION = [("grpc.use_local_subchannel_pool", 1)]
"""Else gRPC gives channels to one address in one process the same connection: the one that is cut off."""


@contextlib.contextmanager
def attacked(data_dir: Path) -> Iterator[RunningDaemon]:
    """The daemon; it must live to the end."""
    with daemon(data_dir, **SETTINGS) as found:
        yield found
        assert found.process.poll() is None


@contextlib.contextmanager
def http_client(running: RunningDaemon) -> Iterator[httpx.Client]:
    limits = httpx.Limits(max_keepalive_connections=0)
    with httpx.Client(base_url=f"http://{running.endpoints.http}", trust_env=False, timeout=30, limits=limits) as found:
        yield found


@contextlib.contextmanager
def watched(running: RunningDaemon) -> Iterator[None]:
    """Memory stays below the bound, and a healthy sender is served, while the block runs."""
    process, stop = psutil.Process(running.process.pid), threading.Event()
    peaks, lost = [process.memory_info().rss], []

    def watch() -> None:
        with grpc.insecure_channel(running.endpoints.grpc[0], OWN_CONNECTION) as channel:
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
    lost = [why for why in lost if "received" not in str(why)]  # told to wait is not lost
    assert not lost, lost


def post(client: httpx.Client, content: Any, headers: dict[str, str]) -> int:
    """The status code; whatever is refused has a google.rpc.Status."""
    answer = client.post("/v1/traces", content=content, headers=headers)
    if answer.status_code != 200:
        assert read_status(answer).message
    return answer.status_code
