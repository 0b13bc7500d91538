"""How true the shares of a GPU are: calls whose energy is known, because they ran alone, and the same ones together.

    python bench/gpu_truth.py [--minutes 4] [--unit-s 0.5] [--scripted]

Needs an NVIDIA GPU that nothing else uses, and torch; with diffusers the calls are images of a real pipeline, watched
by our instrumentation. Each round makes calls of 1, 2 and 4 units one after the other, with the device's energy counter
read before and after each: that is the truth. Then threads, 2 and 4, make them at the same time. Spans of all go to two
real daemons with the real reader, one reading every 0.1 s and one every second, and their rows are read back. Ratios
are with 95 % intervals by a bootstrap over rounds (P9, P10). What one call of several at once used no counter
knows: "division" compares how sizes divide the energy among them with how they did alone, where 1 is the same.

Exits with 2 if this machine cannot run it, with 1 if a call has no share or the shares do not add up. `--scripted` runs
all of it, with arithmetic and a GPU that is made up, and measures nothing.
"""

import argparse
import importlib
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from gpu_rounds import THREADS, UNITS, Counter, Run, rounds
from gpu_shares import Call, Shares, balances, has_all, read_shares, show
from gpu_workload import CannotRun, Torch, Workload, cuda, scripted, workload
from spanwand.config import GpuConfig
from spanwand.errors import NotReadable
from spanwand.gpu import READERS
from spanwand.gpu.reader import GpuReader, GpuUnavailable
from spanwand_sidecar.demo.processes import daemon, demo_settings

END_S = 20.0
"""Time that is kept for the daemons to hand out their last rows and to stop."""
WAIT_S = 30.0


class Plan(NamedTuple):
    """How it is measured. Scripted, all of it takes seconds."""

    reader: str
    intervals_s: Sequence[float]
    idle_s: float
    unit_s: float

    @property
    def settle_s(self) -> float:
        """As long as the longest call may take beside the others: who comes later than that is not shared with."""
        return max(5.0, 1.5 * max(UNITS) * max(THREADS) * self.unit_s)


class Watching(NamedTuple):
    """A daemon that reads the GPU every so often."""

    interval_s: float
    data: Path
    address: str
    process: psutil.Process

    def cpu_s(self) -> float:
        """CPU time of it so far."""
        return sum(self.process.cpu_times()[:2])


def main() -> None:
    """Print what was measured; the exit code says whether it could be, and whether it added up."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=4.0, help="for all of it; two rounds are made anyway")
    parser.add_argument("--unit-s", type=float, default=0.5, help="seconds of the smallest call, alone")
    parser.add_argument("--scripted", action="store_true", help="with no GPU; measures nothing")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    plan = Plan("nvml", (0.1, 1.0), 10.0, options.unit_s)
    if options.scripted:
        plan = Plan("scripted", (0.05, 0.2), 0.5, min(options.unit_s, 0.02))
    try:
        is_conserved = measure(plan, time.monotonic() + 60 * options.minutes)
    except (CannotRun, GpuUnavailable) as why:
        print(f"cannot run here: {why}")
        sys.exit(2)
    sys.exit(0 if is_conserved else 1)


def measure(plan: Plan, until_s: float) -> bool:
    """All of it. Returns whether every share is there and all add up. Raises CannotRun, GpuUnavailable."""
    reader = READERS[plan.reader](GpuConfig())()
    torch = cuda() if plan.reader == "nvml" else None
    with tempfile.TemporaryDirectory(prefix="gpu-truth-") as folder:
        with ExitStack() as stack:
            stack.callback(reader.close)
            daemons = [watching(stack, Path(folder), plan, interval_s) for interval_s in plan.intervals_s]
            provider = TracerProvider(shutdown_on_exit=False)
            for each in daemons:
                exporter = OTLPSpanExporter(endpoint=f"http://{each.address}", insecure=True)
                provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=500))
            stack.callback(provider.shutdown)
            work = workload_of(torch, reader, provider, plan)
            counter = Counter(reader, work.gpu)
            describe(counter, work, plan)
            idle_w = idle(counter, daemons, plan)
            begun_s, begun_cpu_s = time.monotonic(), [each.cpu_s() for each in daemons]
            calls = rounds(Run(work, counter, provider.get_tracer("gpu_truth")), until_s - END_S - 2 * plan.settle_s)
            provider.force_flush()
            for each in daemons:
                wait_for(each, calls, plan)
            say_cpu("with calls", daemons, begun_s, begun_cpu_s)
        found = {each.interval_s: read_shares(each.data, work.gpu) for each in daemons}
    return report(calls, found, idle_w)


def report(calls: Sequence[Call], found: dict[float, Shares], idle_w: float) -> bool:
    """Print tables and balances; whether all is as it should be."""
    is_good = True
    for interval_s, shares in found.items():
        print(f"\nread every {interval_s:g} s")
        if has_all(shares, calls):
            show(shares, calls, idle_w)
        else:
            is_good = False
        is_good &= balances(shares)
    return is_good


def watching(stack: ExitStack, folder: Path, plan: Plan, interval_s: float) -> Watching:
    """Start a daemon."""
    data = folder / f"{interval_s:g}"
    data.mkdir()
    settings = demo_settings(data) | {
        "sinks": ["jsonl"],
        "gather": {"settle_s": plan.settle_s},
        "gpu": {"reader": plan.reader, "interval_s": interval_s},
    }
    found = stack.enter_context(daemon(data, settings))
    return Watching(interval_s, data, found.grpc[0], psutil.Process(found.pid))


def workload_of(torch: Torch | None, reader: GpuReader, provider: TracerProvider, plan: Plan) -> Workload:
    """The real one, or what stands for it."""
    if torch:
        return workload(torch, provider, plan.unit_s)
    return scripted(reader.read()[0].uuid, provider.get_tracer("work"), plan.unit_s)


def describe(counter: Counter, work: Workload, plan: Plan) -> None:
    """What was measured, and on what. Raises CannotRun."""
    counter.joules()
    [name] = [sample.name for sample in counter.reader.read() if sample.uuid == counter.gpu]
    print(f"{name}, {versions() if plan.reader == 'nvml' else 'no driver'}\n{work.what}")


def versions() -> str:
    """Of the driver and of NVML; the reader holds it open."""
    nvml: Any = importlib.import_module("pynvml")
    return f"driver {nvml.nvmlSystemGetDriverVersion()}, NVML {nvml.nvmlSystemGetNVMLVersion()}"


def idle(counter: Counter, daemons: Sequence[Watching], plan: Plan) -> float:
    """Watts of the GPU while nothing is done; prints what the daemons take then."""
    begun_s, begun_j, begun_cpu_s = time.monotonic(), counter.joules(), [each.cpu_s() for each in daemons]
    time.sleep(plan.idle_s)
    watts = (counter.joules() - begun_j) / (time.monotonic() - begun_s)
    print(f"idle: {watts:.0f} W, with the model loaded")
    say_cpu("idle", daemons, begun_s, begun_cpu_s)
    return watts


def say_cpu(when: str, daemons: Sequence[Watching], begun_s: float, begun_cpu_s: Sequence[float]) -> None:
    """Print what part of a core each daemon took since then."""
    for each, cpu_s in zip(daemons, begun_cpu_s, strict=True):
        part = (each.cpu_s() - cpu_s) / (time.monotonic() - begun_s)
        print(f"daemon that reads every {each.interval_s:g} s, {when}: {part:.2%} of a core")


def wait_for(each: Watching, calls: Sequence[Call], plan: Plan) -> None:
    """Until its rows are there, or do not come."""
    deadline_s = time.monotonic() + plan.settle_s + WAIT_S
    while time.monotonic() < deadline_s:
        try:
            if has_all(read_shares(each.data), calls, quietly=True):
                return
        except NotReadable:
            pass
        time.sleep(0.5)


if __name__ == "__main__":
    main()
