"""The daemon's own keys: addresses, data directory (K5, issue 2 item 2)."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from spanwand_sidecar.config import Config, ListenConfig, data_dir
from spanwand_sidecar.receive.config import AuthConfig, TlsConfig


@pytest.mark.parametrize("address", ["", "4317", ":4317", "localhost", "localhost:", "localhost:70000", "a:-1"])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(ValidationError, match="must be host:port"):
        ListenConfig(admin=address)


TLS = TlsConfig(cert_file="tls.crt", key_file="tls.key")
TOKEN = AuthConfig(token_file="tokens")
EXPOSED = ["0.0.0.0:4317", "[::]:4317", "192.168.1.5:4317", "example.com:4317"]


@pytest.mark.parametrize("key", ["grpc", "http", "admin"])
@pytest.mark.parametrize("address", EXPOSED)
def test_what_others_can_reach_needs_tls_and_auth(key: str, address: str) -> None:
    """R38: on every listener, or nothing starts."""
    listen = ListenConfig.model_validate({key: (address,) if key == "grpc" else address})
    with pytest.raises(ValidationError, match=r"is not loopback: it needs tls\.cert_file"):
        Config(listen=listen)
    with pytest.raises(ValidationError, match=r"is not loopback: it needs tls\.cert_file"):
        Config(listen=listen, auth=TOKEN)
    with pytest.raises(ValidationError, match=r"is not loopback: it needs auth\.token_file or tls\.client_ca_file"):
        Config(listen=listen, tls=TLS)
    assert Config(listen=listen, tls=TLS, auth=TOKEN).listen == listen
    assert Config(listen=listen, tls=TLS.model_copy(update={"client_ca_file": "ca.crt"})).listen == listen


def test_tls_that_nothing_would_use_is_an_error() -> None:
    """Or somebody would believe that loopback asks for a token."""
    with pytest.raises(ValidationError, match="no such one is listened on"):
        Config(auth=TOKEN)
    with pytest.raises(ValidationError, match="go together"):
        Config(tls=TlsConfig(cert_file="tls.crt"))


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
