"""Users under another name: the same one each time, which nobody without the key can trace back or recompute."""

from functools import lru_cache, partial
from hashlib import blake2b

from msgspec.structs import replace

from spanwand.config import RedactConfig
from spanwand.ports import Redactor
from spanwand.record import Generation
from spanwand.redactors.scrub import Scrubber

PREFIX = "user_"
_DIGEST_BYTES, _LONGEST_KEY_BYTES = 8, 64


def users(config: RedactConfig, key: bytes, scrubber: Scrubber) -> Redactor:  # noqa: ARG001  the registry's shape
    """Make the redactor that replaces the user of a generation."""
    name = lru_cache(4096)(partial(pseudonym, key=key))

    def redact(generation: Generation) -> Generation:
        return replace(generation, user=name(generation.user)) if generation.user else generation

    return redact


def pseudonym(user: str, key: bytes) -> str:
    """Name a user by a keyed BLAKE2b digest: `user_` and 16 hexadecimal characters. No user stays no user."""
    if not user:
        return ""
    raw = user.encode("utf-8", "surrogatepass")
    return PREFIX + blake2b(raw, digest_size=_DIGEST_BYTES, key=key[:_LONGEST_KEY_BYTES]).hexdigest()
