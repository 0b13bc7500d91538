"""Spans per second of the line on one core, per stage and overall, beside the budgets of design §8.

    python bench/line.py [--profile WORKLOAD]

The input is what stock SDKs send: OTLP requests of 512 spans made with the opentelemetry-proto messages. Times are
CPU time, so that other work on the machine does not count. The line's own figure holds its share of what happens once
a minute: rows are made, their content is cleaned, and they are handed over.
"""

import argparse
import cProfile
import gc
import os
import platform
import pstats
import random
import sysconfig
import time
from collections import deque
from collections.abc import Callable, Iterable
from itertools import groupby
from typing import NamedTuple, TypeVar

from mixed_dialects import Attributes
from otlp_requests import (
    BODIES,
    BODY_SPANS,
    FIRST_ROUND,
    NOW_NS,
    SECOND_NS,
    TRACE_SPANS,
    bodies,
    content_attributes,
    http_attributes,
    llm_attributes,
    mixed_attributes,
)
from spanwand.aggregate import Aggregate
from spanwand.batch import RunUpdate
from spanwand.config import LineConfig, RedactConfig
from spanwand.decode import Decode
from spanwand.drops import Drops
from spanwand.gather import Gather
from spanwand.normalise import Normalise
from spanwand.pipeline import Pipeline
from spanwand.price import Price
from spanwand.redact import Redact
from spanwand.sample import Sample
from spanwand_sidecar.process import COLLECT_AFTER

T = TypeVar("T")
KEY = b"k" * 32
BETWEEN_REQUESTS_NS = 35_000_000
"""Journal time that passes: 15,000 spans and 1,800 traces a second, and windows close."""
WARM_ROUNDS = 6
"""5 s of journal time, in which caches fill, and from which on traces settle as fast as they come."""
MINUTE_NS = 60 * SECOND_NS
SPANS_A_MINUTE = BODY_SPANS * MINUTE_NS // BETWEEN_REQUESTS_NS

WORKLOADS: dict[str, tuple[Callable[[random.Random], Attributes], LineConfig, int]] = {
    "LLM, no content": (llm_attributes, LineConfig(), 60_000),
    "LLM, 2 KB content": (content_attributes, LineConfig(redact=RedactConfig(policy="redacted")), 25_000),
    "mixed dialects": (mixed_attributes, LineConfig(), 20_000),
    "not GenAI": (http_attributes, LineConfig(), 500_000),
}


class Overall(NamedTuple):
    """Seconds of CPU that the whole line takes for a span; then, once, for the rows of a minute, and how many."""

    span_s: float
    rows_s: float
    rows: int

    @property
    def rate(self) -> float:
        """Spans per second, with the rows that leave meanwhile."""
        return 1 / (self.span_s + self.rows_s / SPANS_A_MINUTE)


def overall(config: LineConfig, requests: list[bytes], seconds: float) -> Overall:
    """What the line takes, in the best third of so many seconds."""
    line, position, arrival_ns, rounds = Pipeline(config, KEY), 0, NOW_NS, 0

    def feed() -> float:
        nonlocal position, arrival_ns, rounds
        rounds += 1
        fresh = [body.replace(FIRST_ROUND, f"r{rounds:07}".encode()) for body in requests]
        start = time.process_time()
        for body in fresh:
            arrival_ns += BETWEEN_REQUESTS_NS
            line.traces(position, position := position + len(body), arrival_ns, body)
        return time.process_time() - start

    def span_s() -> float:
        took = [feed()]
        while sum(took) < seconds / 3:
            took.append(feed())
        return sum(took) / len(took) / len(requests) / BODY_SPANS

    deque((feed() for _ in range(WARM_ROUNDS)), maxlen=0)
    best = min(span_s() for _ in range(3))
    end_ns = arrival_ns - arrival_ns % MINUTE_NS + MINUTE_NS
    line.tick(position, position, max(arrival_ns, end_ns - SECOND_NS))  # all traces settle
    start = time.process_time()
    batch = line.tick(position, position, end_ns)
    return Overall(best, time.process_time() - start, rows_of(batch.updates if batch else ()))


def rows_of(updates: Iterable[RunUpdate]) -> int:
    """How many Table rows leave."""
    return sum(len(rows) for update in updates for rows in update.rows.values())


def stages(config: LineConfig, requests: list[bytes]) -> dict[str, float]:
    """Seconds that each stage takes for a span, each stage fed with what the one before made."""
    total = len(requests) * BODY_SPANS
    normalise, price, redact = Normalise(), Price(), Redact(config.redact, KEY, drops := Drops())
    decode, gather = Decode(normalise.keys, drops), Gather(config.gather, drops)
    sample, aggregate = Sample(config.sample), Aggregate(config, drops)
    took: dict[str, float] = {}

    def measure(stage: str, work: Callable[[], T]) -> T:
        start = time.process_time()
        made = work()
        took[stage] = took.get(stage, 0.0) + (time.process_time() - start) / total
        return made

    def gather_all() -> None:
        for call in clean:
            gather.generation(call, NOW_NS)
        for root in clean_roots:
            gather.root(root, NOW_NS)
        deque(gather.due(NOW_NS + 100 * SECOND_NS), maxlen=0)

    def aggregate_all() -> None:
        for call, verdict in zip(clean, verdicts, strict=True):
            aggregate.generation(call, verdict)
        aggregate.close_window(rows_due=False)

    spans = measure("decode", lambda: [s for body in requests for s in decode(body)[0]])
    calls = measure("normalise", lambda: [call for span in spans if (call := normalise(span)) is not None])
    roots = measure("normalise", lambda: [root for span in spans if (root := normalise.root(span)) is not None])
    priced = measure("price", lambda: [price(call) for call in calls])
    clean = measure("redact", lambda: [redact(call) for call in priced])
    clean_roots = measure("redact", lambda: [redact.root(root) for root in roots])
    measure("gather", gather_all)
    traces = [list(calls) for _, calls in groupby(clean, lambda call: call.trace_id)]
    verdicts = measure("sample", lambda: [verdict for calls in traces for verdict in sample(calls, None)])
    measure("aggregate", aggregate_all)
    return took


def report(name: str, seconds: float) -> None:
    """Print one workload."""
    attributes, config, budget = WORKLOADS[name]
    requests, total = bodies(attributes), BODIES * BODY_SPANS
    line = overall(config, requests, seconds)
    print(f"\n{name}: {sum(map(len, requests)) / total:,.0f} bytes a span, 1 root in {TRACE_SPANS} spans")
    best = [stages(config, requests) for _ in range(2)]
    for stage in best[0]:
        took_s = min(run[stage] for run in best)
        print(f"  {stage:<12}{took_s * 1e6:8.2f} µs/span {1 / max(took_s, 1e-9):14,.0f} spans/s")
    if line.rows:
        print(f"  {'a row':<12}{line.rows_s / line.rows * 1e6:8.2f} µs, {line.rows:,} in a minute, handed over at once")
    rate = line.rate
    print(
        f"  {'the line':<12}{1e6 / rate:8.2f} µs/span {rate:14,.0f} spans/s   {rate / budget:.2f} x budget {budget:,}"
    )


def profile(name: str) -> None:
    """Print where a workload's time goes."""
    attributes, config, _ = WORKLOADS[name]
    profiler = cProfile.Profile()
    profiler.runcall(overall, config, bodies(attributes), 4.0)
    pstats.Stats(profiler).sort_stats("tottime").print_stats(30)


def built() -> str:
    """What the interpreter says of how it was built. Debian's has both, and takes its flags out of what it says."""
    options = sysconfig.get_config_var("CONFIG_ARGS") or ""
    said = [name for name, flag in (("PGO", "--enable-optimizations"), ("LTO", "--with-lto")) if flag in options]
    return f"built with {' and '.join(said) or 'neither PGO nor LTO as far as it says'}"


def main() -> None:
    """Print all workloads, or the profile of one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--profile", choices=WORKLOADS)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each workload")
    options = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    gc.freeze()  # both as in the daemon
    gc.set_threshold(*COLLECT_AFTER)
    print(f"one core, Python {platform.python_version()}, {built()}")
    for name in () if options.profile else WORKLOADS:
        report(name, options.seconds)
    if options.profile:
        profile(options.profile)


if __name__ == "__main__":
    main()
