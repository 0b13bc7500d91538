"""The settings of a run, every one that matters given: the SDK's defaults would upload facts about this machine."""

import importlib
import secrets
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spanwand.batch import RunUpdate
from spanwand.config import WandbConfig
from spanwand.sinks.wandb import core
from spanwand.sinks.wandb.core_log import Problem, last_problem, log_of, run_folder
from spanwand.sinks.wandb.host import environment_kept
from spanwand.sinks.wandb.key import find_api_key, find_base_url, has_identity_token
from spanwand.tables import Column

FLUSH_INTERVAL_S = 0.2
"""How long a record may stay in wandb-core before it is in the transaction log; the SDK's default is 15 s."""
GRAPHQL_TIMEOUT_S = 30.0
"""wandb-core's own time limit for one request; it tries again by itself."""


@dataclass(frozen=True, slots=True)
class Server:
    """Which W&B server runs go to, and how."""

    base_url: str
    mode: str
    api_key: str | None = field(repr=False)


def find_server(config: WandbConfig) -> Server:
    """The server that `config` and the environment name. Mode `auto` is online if there is a key, else offline."""
    base_url = find_base_url(config.base_url)
    api_key = find_api_key(base_url)
    mode = config.mode
    if mode == "auto":
        mode = "online" if api_key or has_identity_token() else "offline"
    return Server(base_url, mode, api_key)


@dataclass(frozen=True, slots=True)
class Common:
    """What all runs of a sink have in common."""

    server: Server
    settings: dict[str, Any] = field(repr=False)
    layout: Mapping[str, tuple[Column, ...]]
    """The columns of each Table."""
    dataset: bool = True
    """Whether a run gets its rows as a dataset when it ends."""


def run_settings(server: Server, config: WandbConfig, directory: Path) -> dict[str, Any]:
    """What is the same for every run of a sink."""
    return {
        "mode": server.mode,
        "base_url": server.base_url,
        "root_dir": str(directory.absolute()),
        "entity": config.entity or None,
        "project": config.project,
        "reinit": "create_new",
        "resume": None,
        "init_timeout": config.init_timeout_s,
        "finish_timeout": config.finish_timeout_s,
        "finish_timeout_raises": True,
        "stop_on_fatal_error": True,
        "x_graphql_timeout_seconds": GRAPHQL_TIMEOUT_S,
        "x_transaction_log_flush_interval": FLUSH_INTERVAL_S,
    } | PRIVATE


PRIVATE: dict[str, Any] = {
    "console": "off",
    "silent": True,
    "symlink": False,
    "host": "",
    "program": "",
    "program_relpath": "",
    "program_abspath": "",
    "disable_git": True,
    "disable_code": True,
    "save_code": False,
    "label_disable": True,
    "sagemaker_disable": True,
    "x_disable_meta": True,
    "x_disable_stats": True,
    "x_disable_machine_info": True,
    "x_save_requirements": False,
}
"""Nothing of the host is uploaded, nothing of the process is captured, nothing is printed."""


class NotStarted(Exception):
    """W&B was asked for a run and did not give one; what wandb raised says less."""

    def __init__(self, problem: Problem, error: Exception) -> None:
        self.problem = problem if problem.text else Problem(problem.status, str(error))
        super().__init__(str(self.problem))


def init(common: dict[str, Any], update: RunUpdate, config: Mapping[str, object], stop: Callable[[], None]) -> Any:
    """Start a run of its own beside any other in this process. Raises NotStarted and whatever wandb raises."""
    wandb = importlib.import_module("wandb")
    run_id = secrets.token_hex(6)
    own = {
        "run_id": run_id,
        "run_group": update.run.group,
        "run_job_type": update.run.job_type,
        "run_name": update.run.name,
        "run_tags": tuple(tag[:64] for tag in update.tags if tag),
        "entity": update.run.entity or common["entity"],
        "project": update.run.project or common["project"],
        "stop_fn": lambda: stop(),  # wandb copies it deeply; it cannot copy a bound method of an Event
    }
    try:
        with environment_kept():
            return wandb.init(settings=wandb.Settings(**common | own), config=config)
    except Exception as error:
        problem = _take_away(Path(common["root_dir"]), run_id)
        if problem and not core.is_dead(error):
            raise NotStarted(problem, error) from error
        raise


def _take_away(root: Path, run_id: str) -> Problem | None:
    """Remove what a run that never was has left, but for what it says about the reason."""
    folder = run_folder(root, run_id)
    if folder is None:
        return None
    problem = last_problem(log_of(folder))
    shutil.rmtree(folder, ignore_errors=True)
    return problem if problem.status or problem.text else None
