"""Where the doors listen."""

import ipaddress
import os
import socket
import stat
from pathlib import Path

from spanwand.errors import ConfigError, SpanwandError

UNIX = "unix:"


class CannotListen(SpanwandError):
    """An address is taken or not allowed; raised before anything is served."""


def split_host_port(address: str) -> tuple[str, int]:
    """The parts of `host:port` or `[v6]:port`. Raises ConfigError."""
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdecimal() or int(port) > 0xFFFF:
        raise ConfigError(f"address {address!r} is not host:port")
    return host.removeprefix("[").removesuffix("]"), int(port)


def is_loopback(host: str) -> bool:
    """Whether a host, as bound to or as named in a Host header, means this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"


def names_loopback(host_header: str) -> bool:
    """Whether a Host header, with a port or without, names this machine. A page that rebinds its DNS name does not."""
    if host_header.startswith("["):
        return is_loopback(host_header[1:].partition("]")[0])
    return is_loopback(host_header.partition(":")[0])


def is_exposed(address: str) -> bool:
    """Whether others than this machine can reach an address: it is neither loopback nor a Unix socket."""
    return not address.startswith(UNIX) and not is_loopback(split_host_port(address)[0])


def listen(host: str, port: int) -> socket.socket:
    """A listening TCP socket that no second process can share. Raises CannotListen."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=1024, reuse_port=False)
    except OSError as error:
        raise CannotListen(f"cannot listen on {host}:{port}: {_reason(error)}") from error


def make_directory(path: Path) -> None:
    """Make the directory of a socket, closed to all but the owner and the group. Raises CannotListen."""
    try:
        path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    except OSError as error:
        raise CannotListen(f"cannot listen on {UNIX}{path}: {_reason(error)}") from error


def clear_stale_socket(path: Path) -> None:
    """Remove a socket file nobody listens on. Raises CannotListen if somebody does, or if it is another file."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise CannotListen(f"cannot listen on {UNIX}{path}: the file exists and is not a socket")
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except OSError as error:
            raise CannotListen(f"cannot listen on {UNIX}{path}: {_reason(error)}") from error
    raise CannotListen(f"cannot listen on {UNIX}{path}: another process does")


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
