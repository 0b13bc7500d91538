"""Memory and CPU of the daemon's whole process tree, idle and at 1,000 spans a second, beside the budgets of design §8.

    python bench/footprint.py [--seconds 30] [--rate 1000] [--past 400] [--content]

The daemon is `spanwand up` with its defaults: W&B runs offline, wandb-core included. Memory is PSS, as it is where
nothing else runs that maps the same libraries: of files each process's pages are counted in full, for this bench and
its sender, the stock SDK in a process that is not counted, share most of them with the daemon.

What is remembered of late and of repeated spans has its full size only after `deduplicate.window_s`. So the second
daemon finds a journal with that much of such traffic in it, works it off, and then takes the same live: it remembers
what one remembers that has run for so long. `--past 0 --seconds 450` is the slow way to see the same. With `--content`
each call has a response id and 2 KB of messages, and the policy is `redacted`.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple
from unittest.mock import patch

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Tracer, set_span_in_context
from opentelemetry.util.types import AttributeValue

from prose import prose
from spanwand_sidecar.journal import FrameKind, Journal, JournalConfig, arrival

LOOPBACK = "127.0.0.1:0"
BUDGET_MIB = 200
BUDGET_IDLE_CPU = 0.01
SPANS_PER_TRACE = 4
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
SECOND_NS = 1_000_000_000
PAUSE_S = 0.05
SETTLE_S = 3.0
CAUGHT_UP_S = 20.0
"""Batches leave as their windows end, after ten seconds; what is older than this has not been worked off."""
RESPONSE_ID = "gen_ai.response.id"
MESSAGES = ("gen_ai.input.messages", "gen_ai.output.messages")
RNG = random.Random(7)
RESOURCE = Resource({"service.name": "footprint"})
CALL: dict[str, AttributeValue] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.usage.input_tokens": 812,
    "gen_ai.usage.output_tokens": 120,
}


class Use(NamedTuple):
    """What a process tree used: the most PSS seen, that of wandb-core, and CPU seconds per second."""

    pss_mib: float
    core_mib: float
    cpu: float
    processes: int


def main() -> None:
    """Print a line per state."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--rate", type=int, default=1_000)
    parser.add_argument("--past", type=int, default=400, help="seconds of such traffic that the daemon has had")
    parser.add_argument("--content", action="store_true", help="calls with what was said, redacted")
    parser.add_argument("--send", metavar="ENDPOINT", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.send:
        send(options.send, options.rate, options.seconds, is_full=options.content)
        return
    print(f"{'state':>20} {'processes':>10} {'PSS MiB':>8} {'budget':>7} {'wandb-core':>10} {'CPU':>7} {'budget':>7}")
    with daemon() as (process, _):
        time.sleep(SETTLE_S)
        show("idle, never used", measure(process.pid, options.seconds), BUDGET_IDLE_CPU)
    with daemon(options.past, options.rate, is_full=options.content) as (process, endpoints):
        sender = [sys.executable, __file__, "--send", endpoints["grpc"][0], "--rate", str(options.rate)]
        sender += ["--content"] if options.content else []
        with subprocess.Popen([*sender, "--seconds", str(options.seconds + 2 * SETTLE_S)]):
            time.sleep(SETTLE_S)
            show(f"{options.rate} spans/s", measure(process.pid, options.seconds), None)
            print(f"{status(endpoints)['oldest_undelivered_s']:.0f} s of the journal are not delivered yet")
        show("after it, runs open", measure(process.pid, options.seconds), BUDGET_IDLE_CPU)


def show(state: str, use: Use, cpu_budget: float | None) -> None:
    """One line of the table."""
    cpu = f"{cpu_budget:7.1%}" if cpu_budget else f"{'-':>7}"
    memory = f"{use.pss_mib:8.0f} {BUDGET_MIB:7} {use.core_mib:10.0f}"
    print(f"{state:>20} {use.processes:>10} {memory} {use.cpu:7.2%} {cpu}", flush=True)


@contextmanager
def daemon(
    past_s: int = 0, rate: int = 0, *, is_full: bool = False
) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, str]]]:
    """A daemon with defaults but for its ports and its data, caught up, and its addresses."""
    with tempfile.TemporaryDirectory() as directory:
        data = Path(directory) / "data"  # beside it there will be the journal's key
        fill(data, past_s, rate, is_full=is_full)
        environ = {"PATH": os.environ["PATH"], "HOME": directory, "SPANWAND_LOG__LEVEL": "error"}
        environ |= {"SPANWAND_REDACT__POLICY": "redacted"} if is_full else {}
        addresses = [part for door in ("grpc", "http", "admin") for part in (f"--{door}", LOOPBACK)]
        command = [sys.executable, "-m", "spanwand_sidecar", "up", "--data-dir", str(data), *addresses]
        with subprocess.Popen(command, env=environ) as process:
            while not (data / "endpoints.json").exists():
                time.sleep(PAUSE_S)
            endpoints = json.loads((data / "endpoints.json").read_text())
            while status(endpoints)["oldest_undelivered_s"] > CAUGHT_UP_S:
                time.sleep(1)
            try:
                yield process, endpoints
            finally:
                process.terminate()


def fill(data: Path, past_s: int, rate: int, *, is_full: bool) -> None:
    """Write a journal as if requests had come for so long until now, two a second."""
    request, begun_ns = made(rate // 2, is_full=is_full), time.time_ns() - past_s * SECOND_NS
    journal = Journal.open(data / "journal", JournalConfig())
    for number in range(2 * past_s):
        for span in request.resource_spans[0].scope_spans[0].spans:
            span.trace_id = number.to_bytes(4, "big") + span.trace_id[4:]
            for attribute in span.attributes:
                if attribute.key == RESPONSE_ID:
                    attribute.value.string_value = f"{number:08}{attribute.value.string_value[8:]}"
        now_ns = begun_ns + number * SECOND_NS // 2
        with patch.object(arrival, "time", SimpleNamespace(time_ns=lambda now=now_ns: now, monotonic_ns=lambda: 0)):
            journal.append(FrameKind.OTLP_TRACES, request.SerializeToString())
    journal.close()


def made(spans: int, *, is_full: bool) -> ExportTraceServiceRequest:
    """A request."""
    provider, kept = TracerProvider(resource=RESOURCE), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    for _ in range(spans // SPANS_PER_TRACE):
        trace(provider.get_tracer("footprint"), is_full=is_full)
    return encode_spans(kept.get_finished_spans())


def status(endpoints: dict[str, str]) -> dict[str, float]:
    """What the daemon says about its journal."""
    with urllib.request.urlopen(f"http://{endpoints['admin']}/status") as answer:
        journal: dict[str, float] = json.load(answer)["journal"]
    return journal


def measure(pid: int, seconds: float) -> Use:
    """Watch a tree of processes, once a second."""
    begun_s, cpu_before_s = time.monotonic(), cpu_s(pid)
    most = (0.0, 0.0)
    while time.monotonic() - begun_s < seconds:
        time.sleep(1)
        own_mib, *others_mib = map(alone_mib_of, tree(pid))
        most = max(most, (own_mib + sum(others_mib), sum(others_mib)))
    return Use(*most, (cpu_s(pid) - cpu_before_s) / (time.monotonic() - begun_s), len(tree(pid)))


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    children: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        children += map(int, (task / "children").read_text().split())
    return [pid, *(below for child in children for below in tree(child))]


def alone_mib_of(pid: int) -> float:
    """One process's proportional set size, if no other maps its files."""
    sizes = {}
    for file in ("smaps_rollup", "status"):
        for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
            name, _, value = line.partition(":")
            if value.endswith(" kB"):
                sizes[name] = int(value.split()[0])
    return (sizes["Pss_Anon"] + sizes["RssFile"] + sizes["RssShmem"]) / 1024


def cpu_s(pid: int) -> float:
    """CPU seconds of a tree so far."""
    fields = [Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split() for each in tree(pid)]
    return sum(int(stat[11]) + int(stat[12]) for stat in fields) / TICKS_PER_S


def send(endpoint: str, rate: int, seconds: float, *, is_full: bool) -> None:
    """Traces, paced, from a stock SDK."""
    provider = TracerProvider(resource=RESOURCE)
    exporter = OTLPSpanExporter(endpoint=f"http://{endpoint}", insecure=True)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=500))
    tracer = provider.get_tracer("footprint")
    begun_s, sent = time.monotonic(), 0
    while (elapsed_s := time.monotonic() - begun_s) < seconds:
        while sent < elapsed_s * rate:
            trace(tracer, is_full=is_full)
            sent += SPANS_PER_TRACE
        time.sleep(PAUSE_S)
    provider.shutdown()


def trace(tracer: Tracer, *, is_full: bool) -> None:
    """A root and three model calls."""
    root = tracer.start_span("request")
    context = set_span_in_context(root)
    for _ in range(SPANS_PER_TRACE - 1):
        tracer.start_span("chat", context, attributes=said() if is_full else CALL).end()
    root.end()


def said() -> dict[str, AttributeValue]:
    """A call with an id of its answer, and with messages."""
    texts = {name: [{"role": "user", "parts": [{"type": "text", "content": prose(RNG, 930)}]}] for name in MESSAGES}
    return CALL | {RESPONSE_ID: f"{RNG.getrandbits(128):032x}"} | {key: json.dumps(text) for key, text in texts.items()}


if __name__ == "__main__":
    main()
