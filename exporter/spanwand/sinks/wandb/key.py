"""Finds W&B's server and API key the way W&B itself does, without importing it: the daemon asks before it starts.

W&B's own order: environment, netrc, settings file.
"""

import configparser
import netrc
import os
from pathlib import Path
from urllib.parse import urlsplit

PUBLIC_BASE_URL = "https://api.forge.coreweave.com"
"""The default of the wandb package since it was renamed; a test holds it to the installed one."""
OLD_PUBLIC_HOST = "api.wandb.ai"
"""Where `wandb login` of older versions filed the key for the same server; the package looks there too."""


def find_base_url(configured: str = "") -> str:
    """The configured server, else `WANDB_BASE_URL`, W&B's settings file, or the public server."""
    found = configured or os.environ.get("WANDB_BASE_URL") or _setting("base_url") or PUBLIC_BASE_URL
    return found.rstrip("/")


def find_api_key(base_url: str) -> str | None:
    """The API key for a server, or None. Never logged, never written anywhere."""
    return os.environ.get("WANDB_API_KEY") or _netrc_password(base_url) or _settings_key(base_url)


def has_identity_token() -> bool:
    """Whether W&B will log in with an identity token instead of a key."""
    return bool(os.environ.get("WANDB_IDENTITY_TOKEN_FILE"))


def _netrc_password(base_url: str) -> str | None:
    hosts = [urlsplit(base_url).netloc]
    if base_url == PUBLIC_BASE_URL:
        hosts.append(OLD_PUBLIC_HOST)
    try:
        known = netrc.netrc(_netrc_path())
    except (OSError, netrc.NetrcParseError, RuntimeError):
        return None
    return next((entry[2] for host in hosts if (entry := known.authenticators(host))), None)


def _netrc_path() -> Path:
    if named := os.environ.get("NETRC"):
        return Path(named).expanduser()
    usual = (Path("~/.netrc").expanduser(), Path("~/_netrc").expanduser())
    return next((path for path in usual if path.exists()), usual[0])


def _settings_key(base_url: str) -> str | None:
    """The settings file's key belongs to the settings' server only."""
    return _setting("api_key") if base_url == find_base_url() else None


def _setting(name: str) -> str | None:
    folder = os.environ.get("WANDB_CONFIG_DIR") or Path("~/.config/wandb")
    settings = configparser.ConfigParser(interpolation=None)
    try:
        settings.read(Path(folder).expanduser() / "settings")
    except (OSError, configparser.Error, RuntimeError, UnicodeDecodeError):
        return None
    return settings.get("default", name, fallback=None)
