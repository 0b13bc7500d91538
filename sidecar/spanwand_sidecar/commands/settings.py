"""Options that several commands share: the configuration file and the daemon's settings as flags."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, TypeVar

import click

from spanwand.load import Loaded, Setting, Settings, from_environment, load
from spanwand_sidecar.config import Config

Command = TypeVar("Command", bound=Callable[..., object])


class Flag(NamedTuple):
    """A setting that has an option."""

    option: str
    key: str
    metavar: str
    help: str
    repeatable: bool = False

    @property
    def parameter(self) -> str:
        """The name under which click hands the value over."""
        return self.option.removeprefix("--").replace("-", "_")


FLAGS = (
    Flag("--grpc", "listen.grpc", "ADDRESS", "OTLP over gRPC: host:port or unix:/path; repeatable.", repeatable=True),
    Flag("--http", "listen.http", "ADDRESS", "OTLP over HTTP: host:port."),
    Flag("--admin", "listen.admin", "ADDRESS", "Probes, metrics and status: host:port."),
    Flag("--data-dir", "data_dir", "DIR", "Journal, commits and runs."),
    Flag("--endpoints-file", "endpoints_file", "FILE", "Write bound addresses and process id here when ready."),
    Flag("--wandb-mode", "wandb.mode", "MODE", "auto, online, offline or disabled."),
    Flag("--sink", "sinks", "NAME", "Where batches go: wandb, jsonl; repeatable.", repeatable=True),
    Flag("--grace", "grace_s", "SECONDS", "How long a stop may take."),
)

config_option = click.option(
    "--config",
    "config_file",
    metavar="FILE",
    envvar="SPANWAND_CONFIG",
    type=click.Path(path_type=Path),
    help="YAML file; every key is also a variable, as in SPANWAND_WANDB__MODE.",
)


def setting_options(command: Command) -> Command:
    """All of `FLAGS` as options; the command gets them as keyword arguments for `load_config`."""
    for flag in reversed(FLAGS):
        option = click.option(
            flag.option, flag.parameter, metavar=flag.metavar, help=flag.help, multiple=flag.repeatable
        )
        command = option(command)
    return command


def load_config(config_file: Path | None, flags: Mapping[str, object] | None = None) -> Loaded[Config]:
    """Flags over the environment over the file over the defaults. Raises ConfigError."""
    return load(Config, _file(config_file), from_environment(Config, os.environ), _layer(flags or {}))


def _file(path: Path | None) -> Settings:
    if not path:
        return {}
    from spanwand.load_file import from_file

    return from_file(Config, path)


def _layer(flags: Mapping[str, object]) -> dict[str, Setting]:
    given = {flag: flags.get(flag.parameter) for flag in FLAGS}
    return {
        flag.key: Setting(value, f"option {flag.option}") for flag, value in given.items() if value not in (None, ())
    }
