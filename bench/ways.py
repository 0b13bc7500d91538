"""The ways of recording that bench/overhead.py compares, and how a service is started for each."""

import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from frozen import Cores, Frozen, frozen
from spanwand_sidecar.demo.openai_api import API_KEY
from spanwand_sidecar.demo.processes import daemon, demo_settings, environment
from watched_models import MODELS
from weave_server import weave_server

SERVICE, CALIBRATION = (str(Path(__file__).with_name(name)) for name in ("watched_service.py", "watched_models.py"))
BASELINE, AGAIN = "no telemetry", "no telemetry, again"
SIDECAR, IN_PROCESS = "OTel SDK to the sidecar", "in-process exporter"
OURS = (SIDECAR, IN_PROCESS)
OTEL = {
    "OTEL_SERVICE_NAME": "overhead",
    "OTEL_METRICS_EXPORTER": "none",
    "OTEL_LOGS_EXPORTER": "none",
    "OTEL_EXPORTER_OTLP_TIMEOUT": "3600",  # who is frozen in the middle of an export finds its time over, and gives up
}
AGGREGATE = {"window_s": 10, "rows_interval_s": 15}
"""By default 10 and 60: so every turn has some of each. Time passes for who is frozen too: a turn begins with one."""
QUIET = {"DIFFUSERS_VERBOSITY": "error", "TRANSFORMERS_VERBOSITY": "error"}
ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(1 << 30)}
"""Memory that was used once is kept. By default glibc learns to keep large blocks when one is freed, as W&B's import
does: from then on tensors cost no page faults, and the same model takes less CPU, whether anything is recorded."""
WANDB_QUIET = {"WANDB_SILENT": "true", "WANDB_CONSOLE": "off", "WANDB_ERROR_REPORTING": "false"}


class Setup(NamedTuple):
    """What all ways share: the Python and its model, the API that it calls, and cores."""

    python: str
    model: str
    amount: int
    api: str
    cores: Cores
    ways: Sequence[str]
    """By what `--ways` calls them, beside those without telemetry."""


class Way(NamedTuple):
    """How a service is started that is recorded in some way."""

    recorder: str
    environ: Mapping[str, str] = {}
    is_instrumented: bool = False
    helpers: Sequence[int] = ()


def amount_of(python: str, model: str, panel_ms: float) -> int:
    """How much of a model's work takes so long here."""
    command = [python, CALIBRATION, model, str(panel_ms)]
    done = subprocess.run(command, env=environment(QUIET | ALLOCATOR), stdout=subprocess.PIPE, text=True, check=True)
    return int(done.stdout.split()[-1])


@contextmanager
def started(folder: Path, setup: Setup) -> Iterator[dict[str, Frozen]]:
    """New services, one for each way, ready and frozen; each writes to a folder of its own."""
    instrument = Path(setup.python).with_name("opentelemetry-instrument")
    assert instrument.exists(), f"{instrument} is not installed; pip install 'spanwand[demo]'"
    with ExitStack() as stack:
        services: dict[str, Frozen] = {}
        for name, way in ways(stack, folder, setup).items():
            place = folder / slug(name)
            place.mkdir(exist_ok=True)
            above = [str(instrument)] if way.is_instrumented else []
            command = [*above, setup.python, SERVICE, way.recorder, setup.model, str(setup.amount)]
            api = {"OPENAI_BASE_URL": setup.api, "OPENAI_API_KEY": API_KEY}
            environ = {**QUIET, **ALLOCATOR, **api, "WANDB_DIR": str(place), **way.environ}
            log = place / "service.log"
            its = frozen(command, environment(environ), log, way.helpers, setup.cores)
            services[name] = stack.enter_context(its)
        for service in services.values():
            service.wait_ready()
        yield services


def ways(stack: ExitStack, folder: Path, setup: Setup) -> dict[str, Way]:
    """What is compared; a daemon and a server for those that need one."""
    without = {BASELINE: Way("plain"), AGAIN: Way("plain")}
    return without | {WAYS[way].name: WAYS[way].made(stack, folder, setup) for way in setup.ways}


def to_sidecar(stack: ExitStack, folder: Path, setup: Setup) -> Way:
    """With a daemon of its own."""
    data = folder / slug(SIDECAR)
    data.mkdir()
    settings = demo_settings(data) | {"aggregate": AGGREGATE, "gpu": {"reader": "off"}}
    endpoints = stack.enter_context(daemon(data, settings))
    otlp = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{endpoints.grpc[0]}", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    return Way(traced_by(setup), OTEL | otlp, is_instrumented=True, helpers=[endpoints.pid])


def in_process(_stack: ExitStack, folder: Path, setup: Setup) -> Way:
    """Offline."""
    spanwand = {
        "OTEL_TRACES_EXPORTER": "wandb",
        "SPANWAND_WANDB__MODE": "offline",
        "SPANWAND_DATA_DIR": str(folder / slug(IN_PROCESS)),
        **{f"SPANWAND_AGGREGATE__{name.upper()}": str(value) for name, value in AGGREGATE.items()},
    }
    return Way(traced_by(setup), OTEL | spanwand, is_instrumented=True)


def logged(_stack: ExitStack, _folder: Path, _setup: Setup) -> Way:
    """Offline too."""
    return Way("logged", WANDB_QUIET)


def woven(stack: ExitStack, _folder: Path, _setup: Setup) -> Way:
    """With a stand-in of its server."""
    url = stack.enter_context(weave_server())
    server = {"WANDB_BASE_URL": url, "WF_TRACE_SERVER_URL": url, "WANDB_API_KEY": "0" * 40}
    return Way("woven", WANDB_QUIET | server | {"WEAVE_PRINT_CALL_LINK": "false"})


class Making(NamedTuple):
    """A way's name, and what starts those that it needs."""

    name: str
    made: Callable[[ExitStack, Path, Setup], Way]


WAYS: Mapping[str, Making] = {
    "sidecar": Making(SIDECAR, to_sidecar),
    "in-process": Making(IN_PROCESS, in_process),
    "wandb": Making("wandb in the request", logged),
    "weave": Making("Weave SDK", woven),
}


def traced_by(setup: Setup) -> str:
    """The recorder: an instrumentation makes the spans of a model that one knows."""
    return "traced" if MODELS[setup.model].is_watched else "spanned"


def slug(name: str) -> str:
    """As the name of a folder."""
    return name.lower().replace(",", "").replace(" ", "-")
