"""The secret from which user pseudonyms are made: the same one wherever the same users should look the same."""

from pathlib import Path

from spanwand.errors import ConfigError
from spanwand.secret_file import SECRET_BYTES, make_secret

FILE_NAME = "pseudonym.key"


def read_or_make(configured: str, directory: Path) -> bytes:
    """The key in the file `configured`, else the one in `directory`, made at random if there is none yet.

    Raises ConfigError if it cannot be read or made, or is too short to be a secret.
    """
    if not configured:
        _make(directory / FILE_NAME)
    return read(configured, directory)


def read(configured: str, directory: Path) -> bytes:
    """As `read_or_make`, but nothing is written."""
    path = Path(configured).expanduser() if configured else directory / FILE_NAME
    try:
        key = path.read_bytes().strip()
    except OSError as error:
        raise _unreadable(path, error) from None
    if len(key) < SECRET_BYTES:
        raise ConfigError(f"redact.pseudonym_key_file: {path} holds less than {SECRET_BYTES} bytes")
    return key


def _make(path: Path) -> None:
    try:
        make_secret(path)
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(f"redact.pseudonym_key_file: cannot read {path}: {error.strerror}")
