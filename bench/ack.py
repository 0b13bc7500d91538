"""Durable acknowledgements per second over gRPC, beside Rotel (which acknowledges from memory), on one machine.

    python bench/ack.py [--seconds 2.5] [--rounds 2]

Ours is the gRPC door and the journal (sealed, fdatasync before each ack), without the line behind them; "unsealed"
is the same without sealing, to show what that costs. Rotel runs with its blackhole exporter. The same senders, in
processes of their own with prebuilt bodies, load first one and then the other, in turns. Senders and server share
the cores, so a sender's cost is part of every figure; CPU time per ack of both sides is printed, which other work
on the machine changes little. bench/latency.py has the time that one acknowledgement takes.
Budgets: the design, section 8, and docs/adr/0016. Rotel is optional: `pip install --pre rotel`.
"""

import argparse
import asyncio
import importlib.util
import multiprocessing
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import NamedTuple

import grpc
import grpc.aio
import psutil
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from spanwand_sidecar import process
from spanwand_sidecar.journal import Journal, JournalConfig
from spanwand_sidecar.receive.grpc import serve
from spanwand_sidecar.receive.reception import Reception

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
BATCHES = (1, 32, 512)
BUDGETS = {
    "design 8": dict(zip(BATCHES, (0.4, 0.9, 1.0), strict=True)),
    "ADR 0016": dict(zip(BATCHES, (0.25, 0.4, 1.0), strict=True)),
}
"""Spans per batch -> least ratio to Rotel's rate. The design's were set before grpc.aio was measured."""
SENDERS = 2
IN_FLIGHT = 8
SPAWN = multiprocessing.get_context("spawn")


class Target(NamedTuple):
    """A server under load."""

    address: str
    process_id: int


class Load(NamedTuple):
    """What the senders saw: acknowledgements, seconds, CPU seconds of their own; and those of the server."""

    acks: int
    seconds: float
    cpu_s: float
    server_cpu_s: float = 0.0


def main() -> None:
    """Print a line per batch size, and whether it keeps its budget."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=2.5)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    with ExitStack() as stack:
        targets = {
            "spanwand": stack.enter_context(spanwand(JournalConfig())),
            "unsealed": stack.enter_context(spanwand(JournalConfig(seal="none"))),
        }
        agent = rotel_agent()
        if agent is None:
            print("rotel is not installed (pip install --pre rotel): ours alone")
        else:
            targets["rotel"] = stack.enter_context(rotel(agent))
        print(f"{SENDERS} senders, {IN_FLIGHT} calls in flight each, {os.cpu_count()} cores for both sides")
        for spans in BATCHES:
            report(spans, {name: [] for name in targets}, targets, options)


def report(spans: int, loads: dict[str, list[Load]], targets: dict[str, Target], options: argparse.Namespace) -> None:
    """Load all targets in turns with batches of one size and print what came of it."""
    body = request(spans)
    for _ in range(options.rounds):
        for name, target in targets.items():
            loads[name].append(load(target, body, options.seconds))
    rates = {name: median(each.acks / each.seconds for each in loads[name]) for name in targets}
    for name, rate in rates.items():
        sender_us = 1e6 * median(each.cpu_s / each.acks for each in loads[name])
        server_us = 1e6 * median(each.server_cpu_s / each.acks for each in loads[name])
        print(
            f"{spans:4} spans {len(body):7} B  {name:9} {rate:8.0f} acks/s {rate * spans:9.0f} spans/s"
            f"  CPU us/ack: server {server_us:4.0f}, sender {sender_us:4.0f}"
        )
    if "rotel" in rates:
        ratio = rates["spanwand"] / rates["rotel"]
        verdicts = ", ".join(
            f"{name} {budgets[spans]:.2f}x {'kept' if ratio >= budgets[spans] else 'MISSED'}"
            for name, budgets in BUDGETS.items()
        )
        print(f"{spans:4} spans  durable against in-memory: {ratio:.2f}x; {verdicts}")


def request(spans: int) -> bytes:
    """A serialised request of LLM spans of one service."""
    message = ExportTraceServiceRequest()
    resource_spans = message.resource_spans.add()
    resource_spans.resource.attributes.add(key="service.name").value.string_value = "bench"
    scope_spans = resource_spans.scope_spans.add()
    for _ in range(spans):
        start_ns = time.time_ns()
        span = scope_spans.spans.add(
            trace_id=os.urandom(16), span_id=os.urandom(8), name="chat gpt-4o-mini", kind=3,
            start_time_unix_nano=start_ns, end_time_unix_nano=start_ns + 10**9,
        )  # fmt: skip
        for key, text in (("operation.name", "chat"), ("provider.name", "openai"), ("request.model", "gpt-4o-mini")):
            span.attributes.add(key=f"gen_ai.{key}").value.string_value = text
        for key, tokens in (("input_tokens", 812), ("output_tokens", 133)):
            span.attributes.add(key=f"gen_ai.usage.{key}").value.int_value = tokens
    return message.SerializeToString()


def load(target: Target, body: bytes, seconds: float) -> Load:
    """Send one body over and over from several processes."""
    server_cpu_s = cpu_seconds(target.process_id)
    pipes, senders = [], []
    for _ in range(SENDERS):
        ours, theirs = SPAWN.Pipe()
        senders.append(SPAWN.Process(target=send, args=(theirs, target.address, body, seconds)))
        pipes.append(ours)
    for sender in senders:
        sender.start()
    parts: list[Load] = [pipe.recv() for pipe in pipes]
    for sender in senders:
        sender.join()
    return Load(
        sum(part.acks for part in parts),
        median(part.seconds for part in parts),
        sum(part.cpu_s for part in parts),
        cpu_seconds(target.process_id) - server_cpu_s,
    )


def cpu_seconds(process_id: int) -> float:
    """What a process has used."""
    times = psutil.Process(process_id).cpu_times()
    return times.user + times.system


def send(pipe: Connection, address: str, body: bytes, seconds: float) -> None:
    """One sender process: raw bytes, several calls in flight."""
    pipe.send(asyncio.run(_send(address, body, seconds)))


async def _send(address: str, body: bytes, seconds: float) -> Load:
    acks = 0
    async with grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        export: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(EXPORT)
        for _ in range(IN_FLIGHT):
            await export(body, wait_for_ready=True)
        began_s, began_cpu_s = time.monotonic(), time.process_time()

        async def repeat() -> None:
            nonlocal acks
            while time.monotonic() < began_s + seconds:
                await export(body)
                acks += 1

        await asyncio.gather(*(repeat() for _ in range(IN_FLIGHT)))
        return Load(acks, time.monotonic() - began_s, time.process_time() - began_cpu_s)


@contextmanager
def spanwand(config: JournalConfig) -> Iterator[Target]:
    """Our door and journal in a process of their own; yields where it is."""
    directory = Path(tempfile.mkdtemp(prefix="ack-", dir=Path.cwd()))
    ours, theirs = SPAWN.Pipe()
    server = SPAWN.Process(target=receive, args=(theirs, directory, config))
    server.start()
    theirs.close()
    try:
        yield Target(ours.recv(), server.pid or 0)
    finally:
        ours.close()
        server.join()
        shutil.rmtree(directory)


def receive(pipe: Connection, directory: Path, config: JournalConfig) -> None:
    """The server process: what is acknowledged is in the journal; the journal is emptied as it fills."""
    process.prepare()
    journal = Journal.open(directory / "data" / "journal", config)
    server = serve(["127.0.0.1:0"], Reception(journal))
    pipe.send(server.addresses[0])
    while not pipe.poll(0.2):  # the end of the other side
        journal.release(journal.end)
    server.stop(1.0)
    journal.close()


def rotel_agent() -> Path | None:
    """Rotel's binary, if the package is installed."""
    package = importlib.util.find_spec("rotel")
    return Path(package.origin).with_name("rotel-agent") if package and package.origin else None


@contextmanager
def rotel(agent: Path) -> Iterator[Target]:
    """Rotel on loopback with nothing behind it; yields where it is."""
    address, http_address = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    command = [str(agent), "start", "--exporter", "blackhole"]
    command += ["--otlp-grpc-endpoint", address, "--otlp-http-endpoint", http_address]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield Target(address, process.pid)
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    """A loopback port nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
