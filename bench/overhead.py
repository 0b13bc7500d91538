"""What telemetry costs the service it watches: the same work without any and recorded in several ways, in turns.

    python bench/overhead.py [--ways sidecar in-process wandb weave] [--model diffusers] [--python PYTHON]
                             [--minutes 10] [--rounds 2] [--comics 20] [--panel-ms 200] [--one-core] [--save FILE]
    python bench/overhead.py --read FILE...

Each way has a process of its own (bench/watched_service.py) that makes ten comics at a time. Each panel is a call of
the real `openai` package to the demo's API, then a model that draws. In a round each has its turn, in an order drawn
anew. Who has no turn is frozen, its daemon and W&B's processes too: what a turn leaves to do is done in its own next
one. The service has a core to itself, and all of it is busy, so every millisecond of telemetry makes a comic later. The
first ten comics of a turn have no latency that counts: what was frozen catches up. After some rounds all processes are
new. What can be resolved is seen in `no telemetry, again`: a second process that does what the first does (P10, A2).

`--python` names the Python that all services run, with `spanwand[demo]`; `--model diffusers` needs it to have torch
and diffusers, the way `weave` weave. Weave has no mode without a server: a stand-in accepts all. `--save` appends each
generation of processes to a file; `--read` shows what several runs found together.
"""

import argparse
import random
import signal
import sys
import tempfile
import time
from os import sched_getaffinity, sched_setaffinity
from pathlib import Path

import saved
from frozen import Cores, Turn
from shown import CALLS, show
from spanwand.stored.read import read
from spanwand_sidecar.demo.openai_api import OpenAIStandIn
from watched_models import AT_ONCE, MODELS
from ways import OURS, WAYS, Setup, amount_of, slug, started

WARM_TURNS = (f"{AT_ONCE} settle", str(AT_ONCE))
"""These do not count: there the services import and open their runs, and when a window is over the daemon. What the
last one makes is sent in the first that counts, as what that makes is sent in the next."""


def main() -> None:
    """Print what each way costs, and whether ours keep the budget."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=2, help="of a generation of processes")
    parser.add_argument("--comics", type=int, default=20, help="in a turn; the latencies of the first ten do not count")
    parser.add_argument("--panel-ms", type=float, default=200, help="CPU time of the model that draws one")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=["sidecar", "in-process", "wandb"])
    parser.add_argument("--model", choices=MODELS, default="arithmetic")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--one-core", action="store_true", help="daemon and W&B on the service's core too")
    parser.add_argument("--save", type=Path, metavar="FILE", help="append each generation to it, as a line of JSON")
    parser.add_argument("--read", type=Path, metavar="FILE", nargs="+", help="run nothing, show these together")
    options = parser.parse_args()
    workload, generations = saved.read(options.read) if options.read else measured(options)
    print(workload)
    show({way: [rounds[way] for rounds in generations] for way in generations[0]})


def measured(options: argparse.Namespace) -> tuple[saved.Workload, list[saved.Rounds]]:
    """Generations of processes, one after another, for as long as another one fits."""
    signal.signal(signal.SIGTERM, end)
    until_s = time.monotonic() + 60 * options.minutes
    cores = placed(one=options.one_core)
    amount = amount_of(options.python, options.model, options.panel_ms)
    sched_setaffinity(0, cores.others)
    workload = saved.Workload(options.model, options.panel_ms, options.comics, cores._asdict())
    generations: list[saved.Rounds] = []
    longest_s = 0.0
    with (
        tempfile.TemporaryDirectory(prefix="overhead-", dir=Path.cwd()) as name,
        OpenAIStandIn().serving() as api,
    ):
        setup = Setup(options.python, options.model, amount, api, cores, options.ways)
        while not generations or time.monotonic() + longest_s < until_s:
            begun_s = time.monotonic()
            folder = Path(name, str(len(generations)))
            folder.mkdir()
            generations.append(generation(folder, setup, options.comics, options.rounds))
            if options.save:
                saved.save(options.save, workload, generations[-1])
            longest_s = max(longest_s, time.monotonic() - begun_s)
    return workload, generations


def end(*_: object) -> None:
    """Thaw and end all, once: who is told twice would leave something frozen."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(1)


def placed(*, one: bool) -> Cores:
    """The first core for the service, the others for all else; this process begins on the service's."""
    first, *others = sorted(sched_getaffinity(0))
    sched_setaffinity(0, [first])
    return Cores([first], [first] if one else others or [first])


def generation(folder: Path, setup: Setup, comics: int, rounds: int) -> saved.Rounds:
    """Turns of new processes; at the end all calls have to be in our runs."""
    draw = random.Random(folder.name)
    with started(folder, setup) as services:
        turns: dict[str, list[Turn]] = {name: [] for name in services}
        for order in WARM_TURNS:
            for service in services.values():
                service.turn(order)
        for _ in range(rounds):
            for name in draw.sample(list(services), len(services)):
                turns[name].append(services[name].turn(str(comics)))
    for way in [way for way in OURS if way in turns]:
        check_landed(way, folder / slug(way), CALLS * (len(WARM_TURNS) * AT_ONCE + comics * rounds))
    return turns


def check_landed(way: str, data: Path, calls: int) -> None:
    """What was measured did its work."""
    keys = ("llm/requests", "diffusion/requests")
    found = sum(point.get(key) or 0 for run in read(data).runs for point in run.history for key in keys)
    log = (data / "service.log").read_text()[-1_000:]
    assert found == calls, f"{way}: {found} of {calls} calls are in its runs; its log ends with {log}"


if __name__ == "__main__":
    main()
