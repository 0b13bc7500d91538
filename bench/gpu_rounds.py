"""Calls on a GPU, alone and together, with its energy counter read directly around them. For bench/gpu_truth.py."""

import random
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from opentelemetry.trace import Tracer

from gpu_shares import Call, Case
from gpu_workload import Caller, CannotRun, Workload
from spanwand.gpu.reader import GpuReader

UNITS, THREADS = (1, 2, 4), (2, 4)
LEAST_ROUNDS = 2


class Counter(NamedTuple):
    """The energy counter of one device, read directly."""

    reader: GpuReader
    gpu: str

    def joules(self) -> float:
        """What it has counted so far. Raises CannotRun."""
        for sample in self.reader.read():
            if sample.uuid == self.gpu and sample.energy_mj is not None:
                return sample.energy_mj / 1_000
        raise CannotRun(f"GPU {self.gpu} is not read, or has no total energy counter")


class Run(NamedTuple):
    """What a round needs."""

    work: Workload
    counter: Counter
    tracer: Tracer


def rounds(run: Run, until_s: float) -> list[Call]:
    """Calls of every size, alone and together, for as long as there is time for one more round."""
    calls: list[Call] = []
    alone = run.work.caller()
    draw, longest_s, number = random.Random(1), 0.0, 0
    while number < LEAST_ROUNDS or time.monotonic() + longest_s < until_s:
        begun_s = time.monotonic()
        calls += [made(run, alone, number, Case(1, units)) for units in draw.sample(UNITS, len(UNITS))]
        for threads in THREADS:
            calls += together(run, number, threads)
        longest_s, number = max(longest_s, time.monotonic() - begun_s), number + 1
    return calls


def made(run: Run, caller: Caller, number: int, case: Case) -> Call:
    """Make a call alone."""
    before_j = run.counter.joules()
    call = traced(run, caller, number, case)
    return call._replace(joules=run.counter.joules() - before_j)


def together(run: Run, number: int, threads: int) -> list[Call]:
    """Each thread makes one call of every size, each in an order of its own."""

    def turns(thread: int) -> list[Call]:
        caller, first = callers[thread], thread % len(UNITS)
        return [traced(run, caller, number, Case(threads, units)) for units in UNITS[first:] + UNITS[:first]]

    callers = [run.work.caller() for _ in range(threads)]
    before_j = run.counter.joules()
    with ThreadPoolExecutor(threads) as pool:
        calls = [call for calls in pool.map(turns, range(threads)) for call in calls]
    joules = run.counter.joules() - before_j
    return [call._replace(joules=joules / len(calls)) for call in calls]


def traced(run: Run, caller: Caller, number: int, case: Case) -> Call:
    """Make a call in a trace of its own, by which its row is found again."""
    begun_s = time.monotonic()
    with run.tracer.start_as_current_span("truth") as root:
        caller(case.units)
    trace_id = f"{root.get_span_context().trace_id:032x}"
    return Call(trace_id, number, case.units, case.threads, 0.0, time.monotonic() - begun_s)
