"""What a user may write about the daemon, on top of the line's own keys (`spanwand.config`)."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from spanwand.config import LineConfig, Section
from spanwand.errors import ConfigError
from spanwand_sidecar.journal.config import JournalConfig
from spanwand_sidecar.receive.addresses import UNIX, is_exposed, split_host_port
from spanwand_sidecar.receive.config import AuthConfig, ReceiveConfig, TlsConfig


def _tcp(address: str) -> str:
    try:
        split_host_port(address)
    except ConfigError:
        raise ValueError("must be host:port, such as 127.0.0.1:4317") from None
    return address


def _unix_or_tcp(address: str) -> str:
    if not address.startswith(UNIX):
        return _tcp(address)
    if not Path(address.removeprefix(UNIX)).is_absolute():
        raise ValueError("must be unix: and an absolute path, such as unix:/run/spanwand/otlp.sock")
    return address


TcpAddress = Annotated[str, AfterValidator(_tcp)]
GrpcAddress = Annotated[str, AfterValidator(_unix_or_tcp)]


class ListenConfig(Section):
    """Where the daemon listens. What is not loopback needs `tls` and `auth`. Port 0 takes any; see `endpoints_file`."""

    grpc: tuple[GrpcAddress, ...] = Field(default=("127.0.0.1:4317",), min_length=1)
    """OTLP over gRPC: `host:port` or `unix:/path`, one or more."""
    http: TcpAddress = "127.0.0.1:4318"
    """OTLP over HTTP: `host:port`."""
    admin: TcpAddress = "127.0.0.1:4319"
    """`/livez`, `/readyz`, `/metrics` and `/status`: `host:port`."""


class DeliverConfig(Section):
    """How batches are handed to sinks."""

    max_queued_batches: int = Field(default=2, gt=0)
    """Batches that wait for one sink in memory, each with up to 64 MiB of rows; behind that the journal grows."""
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
    tls: TlsConfig = TlsConfig()
    auth: AuthConfig = AuthConfig()
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

    @model_validator(mode="after")
    def _exposed_is_secured(self) -> Self:
        listen, tls = self.listen, self.tls
        places = [("grpc", address) for address in listen.grpc] + [("http", listen.http), ("admin", listen.admin)]
        exposed = next((f"listen.{key}: {address}" for key, address in places if is_exposed(address)), "")
        if bool(tls.cert_file) != bool(tls.key_file):
            raise ValueError("tls.cert_file and tls.key_file go together")
        if exposed and not tls.cert_file:
            raise ValueError(f"{exposed} is not loopback: it needs tls.cert_file and tls.key_file")
        if exposed and not (self.auth.token_file or tls.client_ca_file):
            raise ValueError(f"{exposed} is not loopback: it needs auth.token_file or tls.client_ca_file")
        if not exposed and (tls.cert_file or tls.client_ca_file or self.auth.token_file):
            raise ValueError("tls and auth are for addresses that are not loopback, and no such one is listened on")
        return self


def data_dir(config: Config, environ: Mapping[str, str] = os.environ) -> Path:
    """The data directory: configured, given by systemd, or where a daemon's state belongs (XDG)."""
    if config.data_dir:
        return Path(config.data_dir).expanduser().absolute()
    if environ.get("STATE_DIRECTORY"):
        return Path(environ["STATE_DIRECTORY"].split(":")[0])
    if os.geteuid() == 0:
        return Path("/var/lib/spanwand")
    return Path(environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "spanwand"
