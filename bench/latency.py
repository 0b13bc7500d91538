"""How long a sender waits for its acknowledgement while the line has more to do than it can.

    python bench/latency.py [--seconds 5]

A whole daemon (`spanwand up`, sealed journal, `jsonl` sink) is sent some hundred thousand model calls, which it
acknowledges much faster than its line can work on them. While it does, another sender sends 2,000 spans a second in
requests of 20, evenly. Sender and daemon share the cores. The budget is that of the design, section 8.

No acknowledgement is faster than the disk: beside the sender, a file of its own is synced a hundred times a second.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles

import grpc.aio
import msgspec
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from spanwand_sidecar.status import Endpoints, Status

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
SPANS_PER_S, SPANS = 2_000, 20
BACKLOG_REQUESTS, BACKLOG_SPANS, IN_FLIGHT = 600, 512, 8
BUDGET_MS = 50.0
START_S = 20.0
SYNC_EVERY_S = 0.01


def main() -> None:
    """Print p50, p99 and the budget."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    backlog = [request(BACKLOG_SPANS) for _ in range(BACKLOG_REQUESTS)]
    with tempfile.TemporaryDirectory(prefix="latency-", dir=Path.cwd()) as folder, daemon(Path(folder)) as endpoints:
        idle_ms = asyncio.run(measure(endpoints, [], options.seconds))
        print(f"line idle:      p50 {idle_ms[49]:5.1f} ms  p99 {idle_ms[98]:5.1f} ms")
        with syncing(Path(folder) / "synced") as syncs_ms:
            busy_ms = asyncio.run(measure(endpoints, backlog, options.seconds))
        left = backlog_bytes(endpoints)
        verdict = "kept" if busy_ms[98] <= BUDGET_MS else "MISSED"
        print(
            f"line saturated: p50 {busy_ms[49]:5.1f} ms  p99 {busy_ms[98]:5.1f} ms, budget {BUDGET_MS:.0f} ms {verdict}"
        )
        print(f"the disk alone: p50 {median(syncs_ms):5.1f} ms  p99 {quantiles(syncs_ms, n=100)[98]:5.1f} ms", end="")
        print(f", at most {max(syncs_ms):.0f} ms")
        print(f"{SPANS_PER_S} spans/s in requests of {SPANS}; {left / 1e6:.0f} MB of backlog left at the end", end="")
        print("" if left else ": the line was not busy all the time, take fewer --seconds")


async def measure(endpoints: Endpoints, backlog: list[bytes], seconds: float) -> list[float]:
    """Percentiles 1 to 99 of the milliseconds to an acknowledgement, once `backlog` has been acknowledged."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(endpoints.grpc[0], options=options) as channel:
        export: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(EXPORT)

        async def send_all(bodies: Iterator[bytes]) -> None:
            for body in bodies:
                await export(body)

        bodies = iter(backlog)
        await asyncio.gather(*(send_all(bodies) for _ in range(IN_FLIGHT)))

        async def timed(body: bytes) -> float:
            begun_s = time.perf_counter()
            await export(body)
            return 1000 * (time.perf_counter() - begun_s)

        begun_s, calls = time.perf_counter(), []
        for number in range(int(seconds * SPANS_PER_S / SPANS)):
            await asyncio.sleep(max(begun_s + number * SPANS / SPANS_PER_S - time.perf_counter(), 0))
            calls.append(asyncio.ensure_future(timed(request(SPANS))))
        return quantiles(await asyncio.gather(*calls), n=100)


@contextmanager
def syncing(path: Path) -> Iterator[list[float]]:
    """Append and sync 4 KiB, again and again, in the background; the milliseconds that each took."""
    syncs_ms: list[float] = []
    over = threading.Event()

    def sync() -> None:
        with path.open("ab", buffering=0) as file:
            while not over.wait(SYNC_EVERY_S):
                file.write(bytes(4_096))
                begun_s = time.perf_counter()
                os.fdatasync(file.fileno())
                syncs_ms.append(1000 * (time.perf_counter() - begun_s))

    thread = threading.Thread(target=sync)
    thread.start()
    try:
        yield syncs_ms
    finally:
        over.set()
        thread.join()


@contextmanager
def daemon(data_dir: Path) -> Iterator[Endpoints]:
    """A daemon on free ports."""
    listen = {f"SPANWAND_LISTEN__{name}": "127.0.0.1:0" for name in ("GRPC", "HTTP", "ADMIN")}
    environ = {**os.environ, **listen, "SPANWAND_SINKS": "jsonl", "SPANWAND_DATA_DIR": str(data_dir / "data")}
    command = [sys.executable, "-m", "spanwand_sidecar", "up"]
    with subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL) as process:
        try:
            yield until_ready(data_dir / "data" / "endpoints.json")
        finally:
            process.kill()


def until_ready(path: Path) -> Endpoints:
    """Where the daemon is, once it has said so."""
    deadline_s = time.monotonic() + START_S
    while not path.exists():
        assert time.monotonic() < deadline_s, "the daemon does not start"
        time.sleep(0.05)
    return msgspec.json.decode(path.read_bytes(), type=Endpoints)


def backlog_bytes(endpoints: Endpoints) -> int:
    """What the line has not worked on yet."""
    with urllib.request.urlopen(f"http://{endpoints.admin}/status", timeout=10) as answer:
        status = msgspec.json.decode(answer.read(), type=Status)
    return status.journal.backlog_bytes


def request(spans: int) -> bytes:
    """A serialised request of model calls of one service; no two spans have the same id."""
    message = ExportTraceServiceRequest()
    resource_spans = message.resource_spans.add()
    resource_spans.resource.attributes.add(key="service.name").value.string_value = "bench"
    scope_spans = resource_spans.scope_spans.add()
    start_ns = time.time_ns()
    for _ in range(spans):
        span = scope_spans.spans.add(
            trace_id=os.urandom(16), span_id=os.urandom(8), name="chat gpt-4o-mini", kind=3,
            start_time_unix_nano=start_ns, end_time_unix_nano=start_ns + 10**9,
        )  # fmt: skip
        for key, text in (("operation.name", "chat"), ("provider.name", "openai"), ("request.model", "gpt-4o-mini")):
            span.attributes.add(key=f"gen_ai.{key}").value.string_value = text
        for key, tokens in (("input_tokens", 812), ("output_tokens", 133)):
            span.attributes.add(key=f"gen_ai.usage.{key}").value.int_value = tokens
    return message.SerializeToString()


if __name__ == "__main__":
    main()
