"""The daemon's own keys: addresses, data directory (K5, issue 2 item 2)."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from spanwand_sidecar.config import Config, ListenConfig, data_dir


@pytest.mark.parametrize("address", ["", "4317", ":4317", "localhost", "localhost:", "localhost:70000", "a:-1"])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(ValidationError, match="must be host:port"):
        ListenConfig(admin=address)


@pytest.mark.parametrize("address", ["0.0.0.0:4317", "[::]:4317", "192.168.1.5:4317", "example.com:4317"])
def test_only_loopback_is_served(address: str) -> None:
    """R38: nothing else without TLS and a token, which are a later issue."""
    with pytest.raises(ValidationError, match="must be a loopback address"):
        ListenConfig(grpc=(address,))
    with pytest.raises(ValidationError, match="must be a loopback address"):
        ListenConfig(http=address)


def test_unix_sockets_for_grpc_only() -> None:
    assert ListenConfig(grpc=("unix:/run/spanwand.sock", "[::1]:0")).grpc[0] == "unix:/run/spanwand.sock"
    with pytest.raises(ValidationError, match="absolute path"):
        ListenConfig(grpc=("unix:spanwand.sock",))
    with pytest.raises(ValidationError, match="must be host:port"):
        ListenConfig(http="unix:/run/spanwand.sock")


def test_where_the_data_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert data_dir(Config(), {}) == Path("/var/lib/spanwand")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data_dir(Config(), {}) == tmp_path / ".local" / "state" / "spanwand"
    assert data_dir(Config(), {"XDG_STATE_HOME": "/xdg"}) == Path("/xdg/spanwand")
    assert data_dir(Config(), {"STATE_DIRECTORY": "/systemd:/other"}) == Path("/systemd")
    assert data_dir(Config(data_dir="~/here"), {"STATE_DIRECTORY": "/systemd"}) == tmp_path / "here"
