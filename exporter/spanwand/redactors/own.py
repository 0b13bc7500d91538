"""How much of a text an expression of a user sees: as much as bounds the time, whatever the two are.

RE2 is linear in the text, but on a text made for it each byte may cost a step for each that the expression unfolds to,
and each match another look at all that is behind it. A limit in bytes bounds both without a clock, so that a replay
cuts at the same place.
"""

import re2

from spanwand.redactors.scrub import REMOVED

_LARGEST_PROGRAM = 2_000
"""Steps of RE2's program for an expression: `.{0,200}` is 1,600."""
_MOST_WORK, _WORK_PER_BYTE = 12_000_000, 150
"""Nanoseconds, about: a byte takes so many of them, and one more for each step of the program."""
MOST_BYTES = 32_768
"""Four for each of the 8,192 characters that are kept of content by default."""


def most_bytes(regex: str) -> int:
    """Bytes of a text that the expression may see. Raises ValueError if its repetitions unfold to too much."""
    steps: int = re2.compile(regex).programsize
    if steps > _LARGEST_PROGRAM:
        raise ValueError("its repetitions unfold to too much")
    return min(MOST_BYTES, _MOST_WORK // (_WORK_PER_BYTE + steps))


def seen(text: str, limit: int) -> str:
    """The first `limit` bytes; what is behind them is gone, for nobody has looked through it."""
    if len(text) * 4 <= limit:
        return text
    raw = text.encode("utf-8", "replace")
    return text if len(raw) <= limit else raw[:limit].decode(errors="ignore") + REMOVED
