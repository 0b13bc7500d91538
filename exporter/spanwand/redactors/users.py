"""Users under another name: the same one each time, which nobody without the key can trace back or recompute.

With `redact.pseudonym_days` they get another one in each period, and nothing but the key connects the two.
The period is that in which a call began: so it has the same pseudonym on every host, and whenever it is replayed.
"""

from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b

from msgspec.structs import replace

from spanwand.config import RedactConfig
from spanwand.ports import Redactor
from spanwand.record import Generation
from spanwand.redactors.scrub import Scrubber

PREFIX = "user_"
_DIGEST_BYTES, _LONGEST_KEY_BYTES = 8, 64
_DAY_NS = 86_400 * 1_000_000_000


def users(config: RedactConfig, key: bytes, scrubber: Scrubber) -> Redactor:  # noqa: ARG001  the registry's shape
    """Make the redactor that replaces the user of a generation."""
    name = pseudonyms(config, key)

    def redact(generation: Generation) -> Generation:
        return replace(generation, user=name(generation.user, generation.start_ns)) if generation.user else generation

    return redact


def pseudonyms(config: RedactConfig, key: bytes) -> Callable[[str, int], str]:
    """What names the user of something that began at a time, in nanoseconds since the epoch."""
    period_ns = config.pseudonym_days * _DAY_NS

    @lru_cache(4096)
    def in_period(user: str, period: int) -> str:
        return pseudonym(user, _key_of(period, key) if period_ns else key)

    return lambda user, start_ns: in_period(user, start_ns // period_ns if period_ns else 0)


def pseudonym(user: str, key: bytes) -> str:
    """Name a user by a keyed BLAKE2b digest: `user_` and 16 hexadecimal characters. No user stays no user."""
    if not user:
        return ""
    raw = user.encode("utf-8", "surrogatepass")
    return PREFIX + blake2b(raw, digest_size=_DIGEST_BYTES, key=key[:_LONGEST_KEY_BYTES]).hexdigest()


def _key_of(period: int, key: bytes) -> bytes:
    """The key of a period, which says nothing of that of any other."""
    return blake2b(b"pseudonyms, period %d" % period, key=key[:_LONGEST_KEY_BYTES]).digest()
