"""The configured sinks, each ready to be opened on its own thread."""

from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from spanwand.batch import Batch
from spanwand.errors import ConfigError, SpanwandError
from spanwand.outcomes import Delivered, Outcome
from spanwand.ports import Sink
from spanwand.sinks import find_sink, open_sink
from spanwand.sinks.wandb import own_process
from spanwand.sinks.wandb.settings import find_server
from spanwand_sidecar.config import Config
from spanwand_sidecar.log import LOG

Opener = Callable[[], Sink]


class Nowhere:
    """Where batches go if no sink is configured: the daemon's own metrics and status still work."""

    def write(self, batch: Batch) -> Outcome:  # noqa: ARG002  # the seam's shape
        """Take it."""
        return Delivered()

    def close(self, deadline_s: float) -> None:
        """Nothing to close, whatever `deadline_s`."""


def check(config: Config) -> None:
    """Sinks that do not exist, or are named twice. Raises ConfigError."""
    for name in config.sinks:
        if config.sinks.count(name) > 1:
            raise ConfigError(f"sinks: {name!a} is there twice")
        find_sink(name)


def missing(config: Config) -> str:
    """What is not installed, and what to do about it; empty if all is there.

    Not an error at start: like a W&B that is down it is a state, in which the journal keeps everything (B3).
    """
    if "wandb" in config.sinks and config.wandb.mode != "disabled" and find_spec("wandb") is None:
        return "wandb is not installed: pip install 'spanwand[wandb]', or set wandb.mode: disabled"
    return ""


def openers(config: Config, data_dir: Path) -> Mapping[str, Opener]:
    """The configured sinks by name; each has a directory of its own below `data_dir`."""
    if why := missing(config):
        LOG.warning("%s; until then spans wait in the journal", why)
    elif "wandb" in config.sinks:
        _prepare_wandb(config, data_dir / "wandb")
    if not config.sinks:
        LOG.warning("no sink is configured: what is received is counted and then gone")
        return {"nowhere": Nowhere}
    return {name: partial(_open, name, config, data_dir / name) for name in config.sinks}


def _open(name: str, config: Config, directory: Path) -> Sink:
    if name == "wandb" and (why := missing(config)):
        raise SpanwandError(why)
    return open_sink(name, config, directory)


def _prepare_wandb(config: Config, directory: Path) -> None:
    """Keep all that W&B writes together, and say once where runs go."""
    own_process(directory)
    server = find_server(config.wandb)
    if config.wandb.mode == "auto" and server.mode == "offline":
        LOG.warning("no API key for %s: W&B runs stay on disk in %s", server.base_url, directory)
    elif server.mode == "online":
        LOG.info("W&B runs go to %s", server.base_url)
    else:
        LOG.info("W&B is %s", server.mode)
