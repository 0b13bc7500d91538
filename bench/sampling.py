"""How good estimates from sampled rows are (R28, R30): the stage itself, over many seeds.

Each seed samples a million calls in traces of 1 to 9, of which 1 % fail and 0.5 % are slow, with costs that are heavy
in the tail. Printed are, for each quantity, how many seeds gave an estimate within its stated interval (99 %), its mean
error, and that by its standard error over the seeds (z), which must be within 3.

    python bench/sampling.py --seeds 200 --calls 1000000 --ratio 0.01
"""

import argparse
import math
import os
import random
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from statistics import fmean, stdev

from msgspec.structs import replace

from spanwand.batch import Verdict
from spanwand.config import SampleConfig
from spanwand.operations import Operation
from spanwand.record import Clean, Failure, Service
from spanwand.sample import Sample
from spanwand.stored.estimate import horvitz_thompson

QUANTITIES = ("calls", "tokens", "cost USD")
SECOND_NS = 1_000_000_000
Amounts = tuple[float, ...]
Found = list[tuple[float, float, float]]
"""By quantity: exact total, estimate and its error."""


def template(*, failed: bool, slow: bool) -> Clean:
    """A call; only what samplers look at matters."""
    return Clean(
        trace_id=bytes(16),
        span_id=bytes(8),
        start_ns=SECOND_NS,
        end_ns=(60 if slow else 2) * SECOND_NS,
        service=Service(),
        dialect="bench",
        operation=Operation.CHAT,
        request_model="m",
        failure=Failure("timeout") if failed else None,
        attributes={},
        sources={},
    )


def one_seed(seed: int, calls: int, ratio: float) -> Found:
    """Sample a stream of traces; each is decided with a record that has its id, and counts for all of its calls."""
    dice, sample = random.Random(seed), Sample(SampleConfig(ratio=ratio))
    plain, failed, slow = (
        template(failed=False, slow=False),
        template(failed=True, slow=False),
        template(failed=False, slow=True),
    )
    exact, kept = [0.0, 0.0, 0.0], []
    while exact[0] < calls:
        chance, size = dice.random(), dice.randint(1, 9)
        record = failed if chance < 0.01 else slow if chance < 0.015 else plain
        trace_id = dice.randbytes(16)
        verdict = decide(sample, record, trace_id)
        tokens = int(size * dice.expovariate(1 / 800))
        amounts = (size, tokens, tokens * 1e-6 * dice.paretovariate(3))
        exact = [total + amount for total, amount in zip(exact, amounts, strict=True)]
        if verdict.keep:
            kept.append((trace_id, verdict.weight, amounts))
    estimates = (horvitz_thompson((trace, weight, row[of]) for trace, weight, row in kept) for of in range(3))
    return [(total, *found) for total, found in zip(exact, estimates, strict=True)]


def decide(sample: Sample, record: Clean, trace_id: bytes) -> Verdict:
    """The verdict of the real samplers on a trace with one record."""
    (verdict,) = sample([replace(record, trace_id=trace_id)], None)
    return verdict


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--ratio", type=float, default=0.01)
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    started = time.monotonic()
    with ProcessPoolExecutor(options.processes) as pool:
        found = list(pool.map(partial(one_seed, calls=options.calls, ratio=options.ratio), range(options.seeds)))
    print(
        f"{options.seeds} seeds of {options.calls:,} calls, ratio {options.ratio}, {time.monotonic() - started:.0f} s"
    )
    for name, seeds in zip(QUANTITIES, zip(*found, strict=True), strict=True):
        within = sum(abs(estimate - exact) <= error for exact, estimate, error in seeds)
        errors = [estimate / exact - 1 for exact, estimate, _ in seeds]
        bias, standard_error = fmean(errors), stdev(errors) / math.sqrt(len(errors))
        print(
            f"  {name:<9} within the interval {within / len(seeds):7.1%}   mean error {bias:+.4%}   "
            f"half width {fmean(error / exact for exact, _, error in seeds):.2%}   "
            f"z {bias / standard_error:+.2f}"
        )


if __name__ == "__main__":
    main()
