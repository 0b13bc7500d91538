"""Memory and CPU of the daemon's whole process tree, idle and at 1,000 spans a second, beside the budgets of design §8.

    python bench/footprint.py [--seconds 20] [--rate 1000]

The daemon is `spanwand up` with its defaults: W&B runs offline, wandb-core included. Memory is PSS (shared pages
divided among their users), as the kernel sums it. The sender is the stock SDK in a process that is not counted.

With the default it is not over yet: what is remembered of late and of repeated spans has its full size after
`deduplicate.window_s`. `--seconds 400` shows it, and that it is flat from then on.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import set_span_in_context
from opentelemetry.util.types import AttributeValue

BUDGET_MIB = 200
BUDGET_IDLE_CPU = 0.01
SPANS_PER_TRACE = 4
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAUSE_S = 0.05
SETTLE_S = 3.0
CALL: dict[str, AttributeValue] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.usage.input_tokens": 812,
    "gen_ai.usage.output_tokens": 120,
}


class Use(NamedTuple):
    """What a process tree used: the most PSS seen, and CPU seconds per second."""

    pss_mib: float
    cpu: float
    processes: int


def main() -> None:
    """Print a line per state."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rate", type=int, default=1_000)
    parser.add_argument("--send", metavar="ENDPOINT", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.send:
        send(options.send, options.rate, options.seconds)
        return
    print(f"{'state':>20} {'processes':>10} {'PSS MiB':>8} {'budget':>7} {'CPU':>7} {'budget':>7}")
    with daemon() as (process, endpoint):
        time.sleep(SETTLE_S)
        show("idle, never used", measure(process.pid, options.seconds), BUDGET_IDLE_CPU)
        sender = [sys.executable, __file__, "--send", endpoint, "--rate", str(options.rate)]
        with subprocess.Popen([*sender, "--seconds", str(options.seconds + 2 * SETTLE_S)]):
            time.sleep(SETTLE_S)
            show(f"{options.rate} spans/s", measure(process.pid, options.seconds), None)
        show("after it, runs open", measure(process.pid, options.seconds), BUDGET_IDLE_CPU)


def show(state: str, use: Use, cpu_budget: float | None) -> None:
    """One line of the table."""
    cpu = f"{cpu_budget:7.1%}" if cpu_budget else f"{'-':>7}"
    print(f"{state:>20} {use.processes:>10} {use.pss_mib:8.0f} {BUDGET_MIB:7} {use.cpu:7.2%} {cpu}", flush=True)


@contextmanager
def daemon() -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A daemon with defaults but for its ports and its data, and its gRPC address."""
    with tempfile.TemporaryDirectory() as directory:
        data = Path(directory) / "data"  # beside it there will be the journal's key
        environ = {"PATH": os.environ["PATH"], "HOME": directory, "SPANWAND_LOG__LEVEL": "error"}
        addresses = [part for door in ("grpc", "http", "admin") for part in (f"--{door}", "127.0.0.1:0")]
        command = [sys.executable, "-m", "spanwand_sidecar", "up", "--data-dir", str(data), *addresses]
        with subprocess.Popen(command, env=environ) as process:
            while not (data / "endpoints.json").exists():
                time.sleep(PAUSE_S)
            yield process, json.loads((data / "endpoints.json").read_text())["grpc"][0]
            process.terminate()


def measure(pid: int, seconds: float) -> Use:
    """Watch a tree of processes, once a second."""
    begun_s, cpu_before_s = time.monotonic(), cpu_s(pid)
    pss_mib = 0.0
    while time.monotonic() - begun_s < seconds:
        time.sleep(1)
        pss_mib = max(pss_mib, sum(map(pss_mib_of, tree(pid))))
    return Use(pss_mib, (cpu_s(pid) - cpu_before_s) / (time.monotonic() - begun_s), len(tree(pid)))


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    children: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        children += map(int, (task / "children").read_text().split())
    return [pid, *(below for child in children for below in tree(child))]


def pss_mib_of(pid: int) -> float:
    """One process's proportional set size."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def cpu_s(pid: int) -> float:
    """CPU seconds of a tree so far."""
    fields = [Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split() for each in tree(pid)]
    return sum(int(stat[11]) + int(stat[12]) for stat in fields) / TICKS_PER_S


def send(endpoint: str, rate: int, seconds: float) -> None:
    """Traces of a root and three model calls, paced, from a stock SDK."""
    provider = TracerProvider(resource=Resource({"service.name": "footprint"}))
    exporter = OTLPSpanExporter(endpoint=f"http://{endpoint}", insecure=True)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=500))
    tracer = provider.get_tracer("footprint")
    begun_s, sent = time.monotonic(), 0
    while (elapsed_s := time.monotonic() - begun_s) < seconds:
        while sent < elapsed_s * rate:
            root = tracer.start_span("request")
            context = set_span_in_context(root)
            for _ in range(SPANS_PER_TRACE - 1):
                tracer.start_span("chat", context, attributes=CALL).end()
            root.end()
            sent += SPANS_PER_TRACE
        time.sleep(PAUSE_S)
    provider.shutdown()


if __name__ == "__main__":
    main()
