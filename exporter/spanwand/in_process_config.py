"""Reads what a user wrote about the line inside an app, and checks it before anything starts."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from spanwand.config import LineConfig
from spanwand.errors import ConfigError
from spanwand.load import Settings, from_environment, load, variable
from spanwand.prices.book import read_prices
from spanwand.pseudonym_key import read_or_make
from spanwand.sinks import find_sink

CONFIG_FILE = "SPANWAND_CONFIG"


class AppConfig(LineConfig):
    """What the exporter inside an app reads. The daemon's own keys are known, so that both can share a file."""

    data_dir: str = ""
    """W&B's files and the pseudonym key. Empty: `$XDG_STATE_HOME/spanwand`, else `~/.local/state/spanwand`."""
    listen: object = None
    tls: object = None
    auth: object = None
    receive: object = None
    journal: object = None
    deliver: object = None
    log: object = None
    endpoints_file: object = None
    grace_s: object = None


NOT_READ = tuple(f"{variable(name)}__" for name, field in AppConfig.model_fields.items() if field.annotation is object)
"""How the variables of the daemon's sections begin."""


class Setup(NamedTuple):
    """A configuration that has been checked, and what it points to."""

    config: AppConfig
    directory: Path
    """Where this user's apps keep what they write."""
    pseudonym_key: bytes


def read_config(environ: Mapping[str, str]) -> AppConfig:
    """Read `SPANWAND_…` variables and the file that `SPANWAND_CONFIG` names. Raises ConfigError."""
    layers: list[Settings] = []
    if environ.get(CONFIG_FILE):
        from spanwand.load_file import from_file

        layers.append(from_file(AppConfig, Path(environ[CONFIG_FILE])))
    read = {name: value for name, value in environ.items() if not name.startswith(NOT_READ)}
    return load(AppConfig, *layers, from_environment(AppConfig, read)).config


def read_setup(environ: Mapping[str, str]) -> Setup:
    """The configuration, and all that the exporter needs besides. Raises ConfigError."""
    config = read_config(environ)
    _find_sinks(config)
    if config.redact.presidio.model:
        raise ConfigError("redact.presidio: not inside an app, which it would slow down; send to the daemon instead")
    read_prices(config.price)
    directory = _directory(config, environ)
    return Setup(config, directory, read_or_make(config.redact.pseudonym_key_file, directory))


def _find_sinks(config: AppConfig) -> None:
    for name in config.sinks:
        find_sink(name)
    if "wandb" in config.sinks and config.wandb.mode != "disabled" and find_spec("wandb") is None:
        raise ConfigError("sinks: wandb is not installed; pip install 'spanwand[wandb]', or set wandb.mode: disabled")


def _directory(config: AppConfig, environ: Mapping[str, str]) -> Path:
    if config.data_dir:
        return Path(config.data_dir).expanduser().absolute()
    return Path(environ.get("XDG_STATE_HOME") or Path("~/.local/state").expanduser()) / "spanwand"
