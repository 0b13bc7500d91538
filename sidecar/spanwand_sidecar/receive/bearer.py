"""Who may send: bearer tokens, from a file."""

import hashlib
import hmac
import secrets
from pathlib import Path

from spanwand.errors import ConfigError
from spanwand_sidecar.receive.reload import Reloaded

SHORTEST = 16
"""Characters; anything shorter can be guessed."""
SCHEME = "bearer"


class Tokens:
    """The tokens of a file. Only their keyed hashes are kept, so all comparisons take the same time."""

    def __init__(self, path: Path) -> None:
        """Raises ConfigError."""
        self._key = secrets.token_bytes(32)
        self._digests = Reloaded((path,), lambda: self._read(path))

    def allow(self, header: str) -> bool:
        """Whether the value of an Authorization header names one of the tokens."""
        scheme, _, token = header.strip().partition(" ")
        sent = self._digest(token.strip().encode("utf-8", "surrogateescape"))
        matches = [hmac.compare_digest(sent, digest) for digest in self._digests.get()]
        return scheme.lower() == SCHEME and any(matches)

    def _digest(self, token: bytes) -> bytes:
        return hmac.digest(self._key, token, hashlib.sha256)

    def _read(self, path: Path) -> tuple[bytes, ...]:
        try:
            tokens = path.read_bytes().split()
        except OSError as error:
            raise ConfigError(f"auth.token_file: cannot read {path}: {error.strerror}") from None
        if not tokens or min(map(len, tokens)) < SHORTEST:
            raise ConfigError(f"auth.token_file: {path} must hold tokens of {SHORTEST} characters or more, one a line")
        return tuple(map(self._digest, tokens))
