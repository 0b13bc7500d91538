"""Which W&B run a record belongs to: one per service instance and experiment arm."""

import logging
import re
from collections.abc import Mapping

import msgspec

from spanwand.batch import RunKey
from spanwand.config import LineConfig
from spanwand.metrics import in_a_key
from spanwand.record import Service

Home = tuple[Service, str, str]
"""What decides about the run: service, experiment, arm."""

OTHER = "other"
_NAME_MAX_CHARS = 128
_MODEL_MAX_CHARS = 64
_RANDOM_ID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_log = logging.getLogger(__name__)


class Run(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """A run and what it says about itself. `models` are those with metrics of their own: their name in a metric key."""

    key: RunKey
    config: Mapping[str, str | int | float | bool]
    tags: tuple[str, ...]
    models: dict[str, str]


HEALTH_RUN = Run(
    key=RunKey(group="spanwand", job_type="spanwand", name="spanwand"), config={}, tags=("spanwand",), models={}
)
"""The run of the line's own health."""


class Runs:
    """The runs of late, up to a limit: those over it share one, and models over theirs share `other`.

    What is not asked for over a whole period is forgotten, and its place is free. The limits are the one thing that a
    replay may decide otherwise, since it starts with no names seen: a run or model that was `other` may get its own
    name, or the other way round. Sums over all of them stay exact.
    """

    def __init__(self, config: LineConfig) -> None:
        self._max_runs = config.aggregate.max_runs
        self._max_models = config.aggregate.max_models
        self._allowed_projects = frozenset(config.wandb.allowed_projects)
        self._redaction = str(config.redact)
        line = config.aggregate
        self._period_ns = max(config.wandb.run_idle_s, line.rows_interval_s + line.window_s) * 1_000_000_000
        self._period = 0
        self._runs: dict[Home, Run] = {}
        self._before: dict[Home, Run] = {}  # asked for in the period before, and not in this one yet
        self._last: tuple[Home, Run] = ((Service(), "", ""), HEALTH_RUN)
        self._other = Run(key=RunKey(group=OTHER, job_type=OTHER, name=OTHER), config={}, tags=("spanwand",), models={})
        # A batch may update a run once. So homes whose keys are the same share a run: two services of one pod in one
        # arm, two versions of one instance, names that are the same once cut. Our own two are not to be had.
        self._reserved = {HEALTH_RUN.key: self._other, self._other.key: self._other}
        self._by_key = dict(self._reserved)

    def open_window(self, start_ns: int) -> None:
        """Time has come to `start_ns`; what is asked for from now on was asked for then. Periods are aligned to it."""
        period = start_ns // self._period_ns
        if period > self._period:
            self._before = self._runs if period == self._period + 1 else {}
            self._period, self._runs = period, {}
            self._by_key = self._reserved | {run.key: run for run in self._before.values()}
            self._last = ((Service(), "", ""), HEALTH_RUN)

    def of(self, home: Home) -> Run:
        """The run of a service, experiment and arm."""
        last, run = self._last
        if home[0] is last[0] and home == last:  # most often: and the hash of a service is eight times as slow
            return run
        run = self._find(home)
        self._last = home, run
        return run

    def _find(self, home: Home) -> Run:
        run = self._runs.get(home)
        if run is not None:
            return run
        run = self._before.pop(home, None)
        if run is not None:
            self._runs[home] = run
            return run
        if len(self._runs) + len(self._before) >= self._max_runs:
            return self._other
        run = _run(home, self._allowed_projects, self._redaction)
        run = self._runs[home] = self._by_key.setdefault(run.key, run)
        if len(self._runs) + len(self._before) == self._max_runs:
            _log.warning("aggregate.max_runs (%d) is reached; further runs share one named %r", self._max_runs, OTHER)
        return run

    def model(self, run: Run, model: str) -> str:
        """The name of a model in the run's metric keys, `other` if the run has too many."""
        model = model[:_MODEL_MAX_CHARS]
        name = run.models.get(model)
        if name is not None:
            return name
        if len(run.models) >= self._max_models:
            return OTHER
        name = run.models[model] = in_a_key(model) or "unknown"
        return name


def _run(home: Home, allowed_projects: frozenset[str], redaction: str) -> Run:
    service, experiment, arm = home
    allowed = f"{service.entity}/{service.project}" in allowed_projects
    environment = service.environment or "default"
    config = {
        "service": service.name,
        "environment": service.environment,
        "instance": service.instance,
        "version": service.version,
        "experiment": experiment,
        "arm": arm,
        "redaction": redaction,
    }
    return Run(
        key=RunKey(
            entity=service.entity if allowed else "",
            project=service.project if allowed else "",
            group=(experiment or f"{service.name}@{environment}")[:_NAME_MAX_CHARS],
            job_type=(arm or service.name)[:_NAME_MAX_CHARS],
            name="/".join(filter(None, (_instance_name(service), arm)))[:_NAME_MAX_CHARS],
        ),
        config={key: value[:_NAME_MAX_CHARS] for key, value in config.items() if value},
        tags=tuple(dict.fromkeys(tag[:64] for tag in (service.environment, service.name, "spanwand") if tag)),
        models={},
    )


def _instance_name(service: Service) -> str:
    """A pod's or a host's name as it is; the random id that SDKs make up says nothing without the service's name."""
    if _RANDOM_ID.fullmatch(service.instance):
        return f"{service.name}-{service.instance[:8]}"
    return service.instance or service.name
