"""Where the sink finds W&B's server and key, and that the key gets into no message (B3, K5)."""

from pathlib import Path

import pytest
from wandb.sdk.lib.urls import DEFAULT_BASE_URL

from spanwand.config import WandbConfig
from spanwand.outcomes import Delivered, Retry
from spanwand.sinks.wandb.key import PUBLIC_BASE_URL, find_api_key, find_base_url
from spanwand.sinks.wandb.settings import find_server
from spanwand.sinks.wandb.troubles import MAX_REASON_CHARS, Troubles

OWN = "https://wandb.example.com"
KEY = "k" * 40


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("WANDB_API_KEY", "WANDB_BASE_URL", "WANDB_CONFIG_DIR", "WANDB_IDENTITY_TOKEN_FILE", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def write_settings(home: Path, text: str) -> None:
    folder = home / ".config" / "wandb"
    folder.mkdir(parents=True)
    (folder / "settings").write_text(text)


def test_without_anything_there_is_no_key_and_auto_is_offline() -> None:
    assert find_base_url() == PUBLIC_BASE_URL
    assert find_api_key(PUBLIC_BASE_URL) is None
    assert find_server(WandbConfig()).mode == "offline"


def test_environment_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / ".netrc").write_text("machine wandb.example.com login user password from-netrc\n")
    assert find_api_key(OWN) == "from-netrc"
    assert find_api_key(PUBLIC_BASE_URL) is None
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    assert find_api_key(OWN) == KEY
    assert find_server(WandbConfig(base_url=f"{OWN}/")).mode == "online"


def test_the_public_server_is_the_one_of_the_installed_package(home: Path) -> None:
    assert PUBLIC_BASE_URL == DEFAULT_BASE_URL
    (home / ".netrc").write_text("machine api.wandb.ai login user password of-an-older-login\n")
    assert find_api_key(PUBLIC_BASE_URL) == "of-an-older-login"
    assert find_api_key(OWN) is None


def test_netrc_may_lie_elsewhere_or_be_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETRC", str(tmp_path / "mine"))
    (tmp_path / "mine").write_text("machine wandb.example.com login user password elsewhere\n")
    assert find_api_key(OWN) == "elsewhere"
    (tmp_path / "mine").write_text("machine\nlogin")
    assert find_api_key(OWN) is None


def test_the_settings_files_key_is_for_its_own_server_only(home: Path) -> None:
    write_settings(home, f"[default]\nbase_url = {OWN}\napi_key = from-settings\n")
    assert find_base_url() == OWN
    assert find_api_key(OWN) == "from-settings"
    assert find_api_key(PUBLIC_BASE_URL) is None


def test_an_identity_token_makes_auto_online(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_IDENTITY_TOKEN_FILE", "token")
    assert find_server(WandbConfig()).mode == "online"


def test_a_server_that_is_not_there_is_no_wrong_key() -> None:
    """P2: in wandb's words, both are an AuthenticationError."""
    troubles = Troubles(KEY)
    busy = "Failed to execute API request: the service process is busy and did not respond in time."
    troubles.add_error("starting a run", type("AuthenticationError", (Exception,), {})(busy))
    outcome = troubles.outcome
    assert isinstance(outcome, Retry)
    assert outcome.why == "starting a run: W&B did not answer in time"


def test_reasons_are_short_single_lines_without_the_key() -> None:
    troubles = Troubles(KEY)
    assert troubles.outcome == Delivered()
    troubles.add_error("starting a run", RuntimeError(f"bad key {KEY}\nsecond line " + "x" * 1_000))
    troubles.add("soon", 1.0)
    outcome = troubles.outcome
    assert isinstance(outcome, Retry)
    assert outcome.after_s == 1.0
    assert KEY not in outcome.why
    assert "\n" not in outcome.why
    assert len(outcome.why) <= MAX_REASON_CHARS
    assert KEY not in repr(find_server(WandbConfig()))
