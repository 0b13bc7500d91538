"""What daemons made of calls on a GPU: their rows beside what is known of the calls. For bench/gpu_truth.py."""

import math
import random
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from spanwand.gpu_sample import GpuSample, decode
from spanwand.stored.read import read
from spanwand.tables import GENERATIONS
from spanwand_sidecar.demo.sums import rows_of
from spanwand_sidecar.journal import FrameKind, Journal, JournalConfig

RESAMPLES = 1_000
ROUNDING = 1e-6


class Call(NamedTuple):
    """A call that was made. `joules`: by how much the device's counter grew, divided by how many calls it counted.

    So it is what a call used if it was alone, and the sum of some that ran together is what these used.
    """

    trace_id: str
    round: int
    units: int
    threads: int
    joules: float
    seconds: float


class Case(NamedTuple):
    """How many threads made calls at the same time, and how long the call was to be."""

    threads: int
    units: int


class Share(NamedTuple):
    """What a row says."""

    joules: float
    seconds: float
    uncertainty: float


class Shares(NamedTuple):
    """Of one daemon: the share of each call by trace, and where the joules of the device went."""

    calls: dict[str, Share]
    attributed_j: float = 0.0
    unattributed_j: float = 0.0
    counted_j: float = 0.0

    def mean_j(self, calls: Sequence[Call]) -> float:
        """Joules that each of some calls was given."""
        return mean([self.calls[call.trace_id].joules for call in calls])

    def of_counted(self, calls: Sequence[Call]) -> float:
        """What some calls were given, of what the counter counted while they ran."""
        return self.mean_j(calls) / mean([call.joules for call in calls])


def read_shares(data: Path, gpu: str = "") -> Shares:
    """Rows of a daemon; with a device, of a daemon that has stopped, its joules too. Raises NotReadable."""
    runs = read(data).runs
    rows = [row for run in runs for row in rows_of(run, GENERATIONS) if row["gpu_joules"] is not None]
    calls = {row["trace_id"]: Share(row["gpu_joules"], row["gpu_seconds"], row["gpu_uncertainty"]) for row in rows}
    if not gpu:
        return Shares(calls)
    readings = journaled(data, gpu)
    key = f"gpu/{readings[0].index}"
    attributed_j, unattributed_j = (
        math.fsum(point.get(f"{key}/{name}_j") or 0 for run in runs for point in run.history)
        for name in ("attributed", "unattributed")
    )
    return Shares(calls, attributed_j, unattributed_j, grown_j(readings))


def journaled(data: Path, gpu: str) -> list[GpuSample]:
    """The readings of a device, as the daemon took them, from its journal."""
    journal = Journal.open(data / "journal", JournalConfig(key_dir=str(data / "keys")))
    try:
        frames = [frame for frame in journal.read(journal.start) if frame.kind is FrameKind.GPU_SAMPLES]
    finally:
        journal.close()
    return [sample for frame in frames for sample in decode(frame.body) if sample.uuid == gpu]


def grown_j(readings: Sequence[GpuSample]) -> float:
    """How much the counter grew between the first reading and the last."""
    counts = [sample.energy_mj for sample in readings if sample.energy_mj is not None]
    return sum(now - before for before, now in pairwise(counts)) / 1_000


def has_all(shares: Shares, calls: Sequence[Call], *, quietly: bool = False) -> bool:
    """Whether every call has a share."""
    missing = sum(call.trace_id not in shares.calls for call in calls)
    if missing and not quietly:
        print(f"{missing} of {len(calls)} calls have no share")
    return not missing


def balances(shares: Shares) -> bool:
    """Print whether what calls got and what nobody got is what the counter counted."""
    divided_j = shares.attributed_j + shares.unattributed_j
    is_exact = math.isclose(divided_j, shares.counted_j, rel_tol=ROUNDING)
    said = "exact" if is_exact else f"OFF BY {divided_j - shares.counted_j:+.3f} J"
    terms = f"calls {shares.attributed_j:.3f} J + nobody {shares.unattributed_j:.3f} J"
    print(f"conservation: {terms} = {divided_j:.3f} J; the counter grew by {shares.counted_j:.3f} J: {said}")
    return is_exact


def show(shares: Shares, calls: Sequence[Call], idle_w: float) -> None:
    """A line for each number of threads and size, and one for all calls of so many threads together."""
    heads = ("threads", "units", "calls", "call s", "GPU s", "J alone", "less idle", "J given", "uncertain")
    print(" ".join(f"{head:>9}" for head in heads) + "   given / alone        division")
    for threads in sorted({call.threads for call in calls}):
        for units in sorted({call.units for call in calls}):
            line(shares, calls, Case(threads, units), idle_w)
    for threads in sorted({call.threads for call in calls}):
        its = [call for call in calls if call.threads == threads]
        print(f"all of {threads} at once: given / counted meanwhile {interval(shares.of_counted, its)}")


def line(shares: Shares, calls: Sequence[Call], case: Case, idle_w: float) -> None:
    """Means of the calls of one kind, and two ratios."""
    its, alone = some(calls, case), some(calls, Case(1, case.units))
    given_j, gpu_s, uncertainty = (
        mean([getattr(shares.calls[call.trace_id], name) for call in its]) for name in Share._fields
    )
    net_j = mean([call.joules - idle_w * call.seconds for call in alone])
    call_s, alone_j = mean([call.seconds for call in its]), mean([call.joules for call in alone])
    figures = " ".join(f"{figure:9.3f}" for figure in (call_s, gpu_s, alone_j, net_j, given_j, uncertainty))

    def ratio(drawn: Sequence[Call]) -> float:
        return shares.mean_j(some(drawn, case)) / alone_mean_j(drawn, case.units)

    def division(drawn: Sequence[Call]) -> float:
        sizes = {call.units for call in calls}
        given_j = sum(shares.mean_j(some(drawn, Case(case.threads, size))) for size in sizes)
        return ratio(drawn) / (given_j / sum(alone_mean_j(drawn, size) for size in sizes))

    ratios = f"{interval(ratio, calls)}  {interval(division, calls)}"
    print(f"{case.threads:9} {case.units:9} {len(its):9} {figures}   {ratios}")


def some(calls: Sequence[Call], case: Case) -> list[Call]:
    """Those of one kind."""
    return [call for call in calls if (call.threads, call.units) == case]


def alone_mean_j(calls: Sequence[Call], units: int) -> float:
    """Joules of a call of this size that was alone."""
    return mean([call.joules for call in some(calls, Case(1, units))])


def mean(figures: Sequence[float]) -> float:
    """Their mean; there is at least one."""
    return math.fsum(figures) / len(figures)


def interval(figure: Callable[[Sequence[Call]], float], calls: Sequence[Call]) -> str:
    """A figure, and where it lies in 95 of 100 draws of as many rounds."""
    by_round = {number: [call for call in calls if call.round == number] for number in {call.round for call in calls}}
    draw = random.Random(1)

    def again() -> list[Call]:
        drawn = draw.choices(list(by_round), k=len(by_round))
        return [call for number in drawn for call in by_round[number]]

    found = sorted(figure(again()) for _ in range(RESAMPLES))
    return f"{figure(calls):.3f} [{found[RESAMPLES // 40]:.3f} {found[-RESAMPLES // 40]:.3f}]"
