"""What a user may write about the daemon, on top of the line's own keys (`spanwand.config`)."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from spanwand.config import LineConfig, Section
from spanwand.errors import ConfigError
from spanwand_sidecar.journal.config import JournalConfig
from spanwand_sidecar.receive.addresses import UNIX, is_loopback, split_host_port
from spanwand_sidecar.receive.limits import ReceiveConfig


def _loopback_tcp(address: str) -> str:
    try:
        host, _ = split_host_port(address)
    except ConfigError:
        raise ValueError("must be host:port, such as 127.0.0.1:4317") from None
    if not is_loopback(host):
        raise ValueError("must be a loopback address: without TLS nothing else is served")
    return address


def _unix_or_loopback_tcp(address: str) -> str:
    if not address.startswith(UNIX):
        return _loopback_tcp(address)
    if not Path(address.removeprefix(UNIX)).is_absolute():
        raise ValueError("must be unix: and an absolute path, such as unix:/run/spanwand/otlp.sock")
    return address


TcpAddress = Annotated[str, AfterValidator(_loopback_tcp)]
GrpcAddress = Annotated[str, AfterValidator(_unix_or_loopback_tcp)]


class ListenConfig(Section):
    """Where the daemon listens: loopback only. Port 0 takes any free port; see `endpoints_file`."""

    grpc: tuple[GrpcAddress, ...] = Field(default=("127.0.0.1:4317",), min_length=1)
    """OTLP over gRPC: `host:port` or `unix:/path`, one or more."""
    http: TcpAddress = "127.0.0.1:4318"
    """OTLP over HTTP: `host:port`."""
    admin: TcpAddress = "127.0.0.1:4319"
    """`/livez`, `/readyz`, `/metrics` and `/status`: `host:port`."""


class DeliverConfig(Section):
    """How batches are handed to sinks."""

    max_queued_batches: int = Field(default=8, gt=0)
    """Batches that wait for one sink in memory; behind that the line waits and the journal grows."""
    max_backoff_s: float = Field(default=60.0, gt=0)
    """Longest pause between two tries of a batch, unless the sink asks for more."""


class LogConfig(Section):
    """The daemon's own log, on standard error."""

    format: Literal["text", "json"] = "text"
    """One line each: `key=value` text, or a JSON object."""
    level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe level that is written."""


class Config(LineConfig):
    """Everything `spanwand up` can be told."""

    listen: ListenConfig = ListenConfig()
    receive: ReceiveConfig = ReceiveConfig()
    journal: JournalConfig = JournalConfig()
    deliver: DeliverConfig = DeliverConfig()
    log: LogConfig = LogConfig()
    data_dir: str = ""
    """Journal, commits, runs. Empty: `$STATE_DIRECTORY`, `/var/lib/spanwand` for root, else below `~/.local/state`."""
    endpoints_file: str = ""
    """JSON file with bound addresses and process id, written when ready. One is always in the data directory."""
    grace_s: float = Field(default=25.0, ge=0)
    """Seconds that a stop may take, from signal to exit: draining, delivering, finishing runs."""


def data_dir(config: Config, environ: Mapping[str, str] = os.environ) -> Path:
    """The data directory: configured, given by systemd, or where a daemon's state belongs (XDG)."""
    if config.data_dir:
        return Path(config.data_dir).expanduser().absolute()
    if environ.get("STATE_DIRECTORY"):
        return Path(environ["STATE_DIRECTORY"].split(":")[0])
    if os.geteuid() == 0:
        return Path("/var/lib/spanwand")
    return Path(environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "spanwand"
