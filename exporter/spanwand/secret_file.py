"""Files that hold a secret: made at random when there is none, private, and never replaced."""

import os
import secrets
from pathlib import Path

SECRET_BYTES = 32
"""Shortest that is one."""


def make_secret(path: Path) -> None:
    """Make the file with a random secret unless it is there. Raises OSError.

    Written aside and linked into place: processes that start at once agree on one secret, and it is whole.
    """
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(SECRET_BYTES))
            file.flush()
            os.fsync(descriptor)
        path.hardlink_to(draft)
    except FileExistsError:
        return
    finally:
        draft.unlink()
