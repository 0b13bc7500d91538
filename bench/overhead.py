"""What telemetry costs the service it watches: the same work without any and recorded in several ways, in turns.

    python bench/overhead.py [--minutes 4.5] [--panels 20] [--panel-ms 200] [--weave PYTHON] [--one-core]

Each way has a process of its own (bench/watched_service.py) that makes ten panels at a time: a call of the real
`openai` package to the demo's API, then arithmetic that stands for the model that draws. In a round each has its turn,
in an order drawn anew. Who has no turn is frozen, its daemon and W&B's processes too: what a turn leaves to do is done
in its own next one. The service has a core to itself, and all of it is busy, so every millisecond of telemetry makes a
panel later. Ratios are of the same rounds; their 95 % intervals come from a bootstrap over rounds (P10, A2).

`--weave` names a Python with `weave` and `spanwand[demo]`. Weave has no mode without a server: a stand-in accepts all.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import quantiles
from typing import NamedTuple

from frozen import Cores, Frozen, Turn, frozen
from spanwand.read import read
from spanwand_sidecar.demo.openai_api import API_KEY, OpenAIStandIn
from spanwand_sidecar.demo.processes import daemon, demo_settings, environment
from watched_service import STEPS, step
from weave_server import weave_server

SERVICE = str(Path(__file__).with_name("watched_service.py"))
BASELINE, SIDECAR, IN_PROCESS = "no telemetry", "OTel SDK to the sidecar", "in-process exporter"
WANDB, WEAVE = "wandb in the request", "Weave SDK"
OURS, FLUSHED = (SIDECAR, IN_PROCESS), (SIDECAR,)
"""What has to keep the budget; what sends all of a turn in it: no request is on the wire while it is frozen."""
BUDGET = 1.01
WARM_ROUNDS, LEAST_ROUNDS, RESAMPLES = 2, 2, 1_000
"""Rounds count when W&B's process has begun to work for the in-process exporter, and so many more are over."""
WAYS = 5
OTEL = {
    "OTEL_SERVICE_NAME": "overhead",
    "OTEL_METRICS_EXPORTER": "none",
    "OTEL_LOGS_EXPORTER": "none",
    "OTEL_BSP_SCHEDULE_DELAY": "500",  # ten times as often as by default, so that a turn sends most of what it made
}
AGGREGATE = {"window_s": 4 * WAYS, "rows_interval_s": 20 * WAYS}
"""Time passes for who is frozen too: by its own time a window takes 4 s, not 10 as by default, and rows go every 20 s,
not every 60."""
WANDB_QUIET = {"WANDB_SILENT": "true", "WANDB_CONSOLE": "off", "WANDB_ERROR_REPORTING": "false"}


class Way(NamedTuple):
    """How a service is started that is recorded in some way."""

    recorder: str
    environ: Mapping[str, str] = {}
    command: Sequence[str] = (sys.executable,)
    helpers: Sequence[int] = ()


class Figures(NamedTuple):
    """What some turns of one way say together."""

    p50_s: float
    p95_s: float
    panels_per_s: float
    cpu_ms: float
    """Of the service, per panel."""
    helpers_cpu_ms: float


def main() -> None:
    """Print a line per way, and whether ours keep the budget."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=4.5)
    parser.add_argument("--panels", type=int, default=20, help="in a turn")
    parser.add_argument("--panel-ms", type=float, default=200, help="CPU time of the model that draws one")
    parser.add_argument("--weave", metavar="PYTHON", help="a Python that has weave")
    parser.add_argument("--one-core", action="store_true", help="daemon and W&B on the service's core too")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    until_s = time.monotonic() + 60 * options.minutes
    cores = placed(one=options.one_core)
    iterations = calibrated(options.panel_ms / 1_000 / STEPS)
    os.sched_setaffinity(0, cores.others)
    with tempfile.TemporaryDirectory(prefix="overhead-", dir=Path.cwd()) as name:
        folder = Path(name)
        with ExitStack() as stack:
            services = started(stack, folder, options.weave, iterations, cores)
            go = partial(in_turns, services, options.panels)
            cold = go(lambda *_: not services[IN_PROCESS].has_helpers)
            warm = go(lambda rounds, _: rounds < WARM_ROUNDS)
            turns = go(lambda rounds, longest_s: rounds < LEAST_ROUNDS or time.monotonic() + longest_s < until_s)
        print(f"{options.panels} panels of {options.panel_ms:g} ms a turn, ten at once; cores: {cores}")
        show(turns, options.panels)
        for way in OURS:
            landed(way, folder / slug(way), 2 * options.panels * len(cold[way] + warm[way] + turns[way]))


def placed(*, one: bool) -> Cores:
    """The first core for the service, the others for all else; this process begins on the service's."""
    first, *others = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, [first])
    return Cores([first], [first] if one else others or [first])


def calibrated(step_s: float) -> int:
    """Iterations of a step that take so long here, undisturbed."""
    trial = 1_000

    def seconds() -> float:
        begun_s = time.perf_counter()
        step(trial)
        return time.perf_counter() - begun_s

    return max(round(trial * step_s / min(seconds() for _ in range(300))), 1)


def started(stack: ExitStack, folder: Path, weave: str | None, iterations: int, cores: Cores) -> dict[str, Frozen]:
    """The services, one for each way."""
    api = stack.enter_context(OpenAIStandIn().serving())
    services = {}
    for name, way in ways(stack, folder, weave).items():
        place = folder / slug(name)
        place.mkdir(exist_ok=True)
        command = [*way.command, SERVICE, way.recorder, "--iterations", str(iterations)]
        environ = {"OPENAI_BASE_URL": api, "OPENAI_API_KEY": API_KEY, "WANDB_DIR": str(place), **way.environ}
        service = frozen(command, environment(environ), place / "service.log", way.helpers, cores)
        services[name] = stack.enter_context(service)
    return services


def ways(stack: ExitStack, folder: Path, weave: str | None) -> dict[str, Way]:
    """What is compared; a daemon and a server for those that need one."""
    instrument = shutil.which("opentelemetry-instrument", path=str(Path(sys.executable).parent))
    assert instrument, "opentelemetry-instrument is not installed; pip install 'spanwand[demo]'"
    data = folder / slug(SIDECAR)
    data.mkdir()
    settings = demo_settings(data) | {"aggregate": AGGREGATE, "gpu": {"reader": "off"}}
    endpoints = stack.enter_context(daemon(data, settings))
    to_daemon = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{endpoints.grpc[0]}", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    in_process = {
        "OTEL_TRACES_EXPORTER": "wandb",
        "SPANWAND_WANDB__MODE": "offline",
        "SPANWAND_DATA_DIR": str(folder / slug(IN_PROCESS)),
        **{f"SPANWAND_AGGREGATE__{name.upper()}": str(value) for name, value in AGGREGATE.items()},
    }
    found = {
        BASELINE: Way("plain"),
        SIDECAR: Way("traced", OTEL | to_daemon, (instrument, sys.executable), [endpoints.pid]),
        IN_PROCESS: Way("traced", OTEL | in_process, (instrument, sys.executable)),
        WANDB: Way("logged", WANDB_QUIET),
    }
    if weave:
        url = stack.enter_context(weave_server())
        server = {"WANDB_BASE_URL": url, "WF_TRACE_SERVER_URL": url, "WANDB_API_KEY": "0" * 40}
        found[WEAVE] = Way("woven", WANDB_QUIET | server | {"WEAVE_PRINT_CALL_LINK": "false"}, (weave,))
    return found


def in_turns(
    services: Mapping[str, Frozen], panels: int, goes_on: Callable[[int, float], bool]
) -> dict[str, list[Turn]]:
    """Turns of every service, round by round, for as long as `goes_on` says of rounds and seconds of the longest."""
    order, draw = list(services), random.Random(1)
    turns: dict[str, list[Turn]] = {name: [] for name in order}
    longest_s = 0.0
    while goes_on(len(turns[BASELINE]), longest_s):
        begun_s = time.monotonic()
        draw.shuffle(order)
        for name in order:
            turns[name].append(services[name].turn(f"{panels} flush" if name in FLUSHED else str(panels)))
        longest_s = max(longest_s, time.monotonic() - begun_s)
    return turns


def figures(turns: Sequence[Turn], panels: int) -> Figures:
    """Latencies of all turns together, and totals by panel."""
    cuts = quantiles((latency for turn in turns for latency in turn.latencies_s), n=100)
    made = panels * len(turns)
    cpu_ms = [1_000 * sum(getattr(turn, field) for turn in turns) / made for field in ("cpu_s", "helpers_cpu_s")]
    return Figures(cuts[49], cuts[94], made / sum(turn.seconds for turn in turns), *cpu_ms)


def show(turns: Mapping[str, Sequence[Turn]], panels: int) -> None:
    """The table, and the verdict on ours."""
    rounds = len(turns[BASELINE])
    print(f"{rounds} rounds; of no telemetry, with 95 % intervals:\n")
    heading = f"{'':24} {'p50 s':>7} {'p95 s':>7} {'panels/s':>8} {'CPU ms':>7} {'+helpers':>8}"
    print(f"{heading}  p50 ratio, p95 ratio, CPU ratio")
    for name, its in turns.items():
        its_figures = figures(its, panels)
        ratios = [interval(turns[BASELINE], its, panels, field) for field in ("p50_s", "p95_s", "cpu_ms")]
        p50_s, p95_s, panels_per_s, cpu_ms, helpers_cpu_ms = its_figures
        print(f"{name:24} {p50_s:7.3f} {p95_s:7.3f} {panels_per_s:8.2f} {cpu_ms:7.2f} {helpers_cpu_ms:8.2f}", end="  ")
        print(", ".join(map(str, ratios)) if name != BASELINE else "")
        if name in OURS:
            print(f"{'':24} budget {BUDGET:.2f}: " + ", ".join(ratio.verdict for ratio in ratios[:2]))


class Interval(NamedTuple):
    """A ratio and what it may be."""

    ratio: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.ratio:.4f} [{self.low:.4f} {self.high:.4f}]"

    @property
    def verdict(self) -> str:
        """Whether it keeps the budget, as far as these rounds can tell."""
        if self.high <= BUDGET:
            return "kept"
        return "MISSED" if self.low > BUDGET else "not resolved, more --minutes"


def interval(baseline: Sequence[Turn], turns: Sequence[Turn], panels: int, field: str) -> Interval:
    """The ratio of a figure, and where it lies in rounds drawn again."""

    def ratio(rounds: Sequence[int]) -> float:
        above, below = (figures([its[number] for number in rounds], panels) for its in (turns, baseline))
        return float(getattr(above, field) / getattr(below, field))

    every, draw = range(len(turns)), random.Random(1)
    again = sorted(ratio(draw.choices(every, k=len(every))) for _ in range(RESAMPLES))
    return Interval(ratio(every), again[RESAMPLES // 40], again[-RESAMPLES // 40])


def landed(way: str, data: Path, calls: int) -> None:
    """Check that what was measured did its work."""
    keys = ("llm/requests", "diffusion/requests")
    found = sum(point.get(key) or 0 for run in read(data).runs for point in run.history for key in keys)
    assert found == calls, f"{way}: {found} of {calls} calls are in its runs"
    print(f"{way}: all {calls} calls are in its runs")


def slug(name: str) -> str:
    """As the name of a folder."""
    return name.lower().replace(" ", "-")


if __name__ == "__main__":
    main()
