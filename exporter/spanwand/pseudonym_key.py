"""The secret from which user pseudonyms are made: the same one wherever the same users should look the same."""

import os
import secrets
from pathlib import Path

from spanwand.errors import ConfigError

KEY_BYTES = 32
FILE_NAME = "pseudonym.key"


def read_or_make(configured: str, directory: Path) -> bytes:
    """The key in the file `configured`, else the one in `directory`, made at random if there is none yet.

    Raises ConfigError if it cannot be read or made, or is too short to be a secret.
    """
    path = Path(configured).expanduser() if configured else directory / FILE_NAME
    try:
        if not configured:
            _make(path)
        key = path.read_bytes().strip()
    except OSError as error:
        raise ConfigError(f"redact.pseudonym_key_file: cannot read {path}: {error.strerror}") from None
    if len(key) < KEY_BYTES:
        raise ConfigError(f"redact.pseudonym_key_file: {path} holds less than {KEY_BYTES} bytes")
    return key


def _make(path: Path) -> None:
    """Written aside and linked into place: processes that start at once agree on one key, and it is whole."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(KEY_BYTES))
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        return
    finally:
        draft.unlink()
