"""What telemetry costs the service it watches: the same work without any and recorded in several ways, in turns.

    python bench/overhead.py [--model diffusers] [--python PYTHON] [--weave] [--minutes 10] [--generations 5]
                             [--panels 20] [--panel-ms 200] [--one-core]

Each way has a process of its own (bench/watched_service.py) that makes ten panels at a time: a call of the real
`openai` package to the demo's API, then a model that draws. In a round each has its turn, in an order drawn anew. Who
has no turn is frozen, its daemon and W&B's processes too: what a turn leaves to do is done in its own next one. The
service has a core to itself, and all of it is busy, so every millisecond of telemetry makes a panel later. What the
rounds can resolve is seen in `no telemetry, again`: a second process that does what the first does (P10, A2).

`--python` names the Python that all services run, with `spanwand[demo]`; `--model diffusers` needs it to have torch
and diffusers, `--weave` weave. Weave has no mode without a server: a stand-in accepts all.
"""

import argparse
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from os import sched_getaffinity, sched_setaffinity
from pathlib import Path

from frozen import Cores, Frozen, Turn
from paired import STATISTICS, Generations, host_s, mean, more, percent_more
from spanwand.stored.read import read
from spanwand_sidecar.demo.openai_api import OpenAIStandIn
from watched_models import AT_ONCE, MODELS
from ways import AGAIN, BASELINE, OURS, SIDECAR, Setup, amount_of, slug, started

BUDGET_PERCENT = 1.0
BUDGETED = ("p50", "p95", "time/panel", "own p50", "own p95")
WARM_ROUNDS = 2
FLUSHED = (SIDECAR,)
"""What sends all of a turn in it: no request is on the wire while it is frozen."""
CALLS = 2
"""Of models, for a panel."""

Rounds = Mapping[str, Sequence[Turn]]


def main() -> None:
    """Print what each way costs, and whether ours keep the budget."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--generations", type=int, default=5, help="of processes")
    parser.add_argument("--panels", type=int, default=20, help="in a turn")
    parser.add_argument("--panel-ms", type=float, default=200, help="CPU time of the model that draws one")
    parser.add_argument("--model", choices=MODELS, default="arithmetic")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--weave", action="store_true", help="the Weave SDK too")
    parser.add_argument("--one-core", action="store_true", help="daemon and W&B on the service's core too")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, end)
    began_s, each_s = time.monotonic(), 60 * options.minutes / options.generations
    cores = placed(one=options.one_core)
    amount = amount_of(options.python, options.model, options.panel_ms)
    sched_setaffinity(0, cores.others)
    with (
        tempfile.TemporaryDirectory(prefix="overhead-", dir=Path.cwd()) as name,
        OpenAIStandIn().serving() as api,
    ):
        setup = Setup(options.python, options.model, amount, api, cores, options.weave)
        generations = []
        for number in range(options.generations):
            folder = Path(name, str(number))
            folder.mkdir()
            generations.append(generation(folder, setup, options.panels, began_s + (number + 1) * each_s))
    print(f"{options.panels} panels of {options.panel_ms:g} ms a turn, ten at once; {options.model}; cores: {cores}")
    show({way: [rounds[way] for rounds in generations] for way in generations[0]})


def end(*_: object) -> None:
    """Thaw and end all, once: who is told twice would leave something frozen."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(1)


def placed(*, one: bool) -> Cores:
    """The first core for the service, the others for all else; this process begins on the service's."""
    first, *others = sorted(sched_getaffinity(0))
    sched_setaffinity(0, [first])
    return Cores([first], [first] if one else others or [first])


def generation(folder: Path, setup: Setup, panels: int, until_s: float) -> Rounds:
    """Turns of new processes until a time of the monotonic clock; at the end all calls have to be in our runs.

    The first ones do not count: there the services import and open their runs, and when a window is over the daemon.
    """
    draw = random.Random(until_s)
    with started(folder, setup) as services:
        order = list(services)
        for service in WARM_ROUNDS * tuple(services.values()):
            service.turn(f"{AT_ONCE} settle")
        turns: dict[str, list[Turn]] = {name: [] for name in order}
        longest_s = 0.0
        while not longest_s or time.monotonic() + longest_s < until_s:
            begun_s = time.monotonic()
            draw.shuffle(order)
            for name in order:
                turns[name].append(taken(services[name], name, panels))
            longest_s = max(longest_s, time.monotonic() - begun_s)
    for way in OURS:
        check_landed(way, folder / slug(way), CALLS * (WARM_ROUNDS * AT_ONCE + panels * len(turns[way])))
    return turns


def taken(service: Frozen, name: str, panels: int) -> Turn:
    """A turn."""
    return service.turn(f"{panels} flush" if name in FLUSHED else str(panels))


def check_landed(way: str, data: Path, calls: int) -> None:
    """What was measured did its work."""
    keys = ("llm/requests", "diffusion/requests")
    found = sum(point.get(key) or 0 for run in read(data).runs for point in run.history for key in keys)
    assert found == calls, f"{way}: {found} of {calls} calls are in its runs"


def show(turns: Mapping[str, Generations]) -> None:
    """The tables, and the verdict on ours."""
    baseline = turns[BASELINE]
    rounds = [len(generation) for generation in baseline]
    print(f"{sum(rounds)} rounds of {len(rounds)} generations of processes; every call is in our two ways' runs\n")
    print("| way | p50 s | p95 s | panels/s | CPU ms per panel | beside the model's | of helpers |")
    print("|---|---|---|---|---|---|---|")
    for name, its in turns.items():
        p50_s, p95_s, panel_s, cpu_s = (mean(its, STATISTICS[key]) for key in ("p50", "p95", "time/panel", "CPU/panel"))
        helpers_s = mean(its, lambda turn: turn.helpers_cpu_s / len(turn.wall_s))
        cpu = " | ".join(f"{1_000 * value:.2f}" for value in (cpu_s, mean(its, host_s), helpers_s))
        print(f"| {name} | {p50_s:.3f} | {p95_s:.3f} | {1 / panel_s:.2f} | {cpu} |")
    print(f"\n| % more than {BASELINE} | {' | '.join(STATISTICS)} | µs of CPU per call |")
    print("|---" * (len(STATISTICS) + 2) + "|")
    for name, its in turns.items():
        if name != BASELINE:
            ratios = [percent_more(baseline, its, statistic) for statistic in STATISTICS.values()]
            each = more(baseline, its, lambda turn: 1e6 * host_s(turn) / CALLS)
            print(f"| {name} | {' | '.join('{:+.2f} [{:+.2f} {:+.2f}]'.format(*ratio) for ratio in ratios)} | ", end="")
            print("{:.0f} [{:.0f} {:.0f}] |".format(*each))
    print()
    for name in OURS:
        print(f"{name}, at most {BUDGET_PERCENT:g} % more: {', '.join(verdicts(turns, name))}")


def verdicts(turns: Mapping[str, Generations], name: str) -> Iterator[str]:
    """Of each statistic that has a budget, if the control says that as much can be told apart."""
    for key in BUDGETED:
        control, its = (percent_more(turns[BASELINE], turns[way], STATISTICS[key]) for way in (AGAIN, name))
        told = max(abs(control.low), abs(control.high)) <= BUDGET_PERCENT
        yield f"{key} {its.verdict(BUDGET_PERCENT) if told else 'not resolved'}"


if __name__ == "__main__":
    main()
