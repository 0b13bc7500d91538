"""What a user may write about the line inside an app: the line's own keys (`spanwand.config`) and these."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from pydantic import Field

from spanwand.config import LineConfig
from spanwand.errors import ConfigError
from spanwand.load import Settings, from_environment, from_file, load
from spanwand.pseudonym_key import read_or_make
from spanwand.sinks import SINKS

CONFIG_FILE = "SPANWAND_CONFIG"


class InProcessConfig(LineConfig):
    """Everything the in-process exporter can be told."""

    data_dir: str = ""
    """W&B's files and the pseudonym key. Empty: `$XDG_STATE_HOME/spanwand`, else `~/.local/state/spanwand`."""
    max_queued_spans: int = Field(default=8_192, gt=0)
    """Spans that wait for the line at most; further ones are counted as `queue_full`."""
    max_pending_records: int = Field(default=20_000, gt=0)
    """History points and Table rows, of a few kilobytes each, that wait for a sink at most; then the oldest batches
    go, counted as `sink_backlog`."""
    exit_timeout_s: float = Field(default=10.0, ge=0)
    """Longest time that the app's exit is held up so that what is left can be delivered."""


class Setup(NamedTuple):
    """A configuration that has been checked, and what it points to."""

    config: InProcessConfig
    directory: Path
    """Where this user's apps keep what they write."""
    pseudonym_key: bytes


def read_setup(environ: Mapping[str, str]) -> Setup:
    """Read `SPANWAND_…` variables and the file that `SPANWAND_CONFIG` names. Raises ConfigError."""
    layers: list[Settings] = []
    if environ.get(CONFIG_FILE):
        layers.append(from_file(InProcessConfig, Path(environ[CONFIG_FILE])))
    config = load(InProcessConfig, *layers, from_environment(InProcessConfig, environ)).config
    _check_sinks(config)
    directory = _directory(config, environ)
    return Setup(config, directory, read_or_make(config.redact.pseudonym_key_file, directory))


def _check_sinks(config: InProcessConfig) -> None:
    for name in config.sinks:
        if name not in SINKS:
            raise ConfigError(f"sinks: there is no sink {name!a}; there are {', '.join(sorted(SINKS))}")
    if "wandb" in config.sinks and find_spec("wandb") is None:
        raise ConfigError("sinks: wandb is not installed; pip install 'spanwand[wandb]'")


def _directory(config: InProcessConfig, environ: Mapping[str, str]) -> Path:
    if config.data_dir:
        return Path(config.data_dir).expanduser().absolute()
    return Path(environ.get("XDG_STATE_HOME") or Path("~/.local/state").expanduser()) / "spanwand"
