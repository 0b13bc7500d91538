"""How long something took, by the clock of the app that reported it; clocks that cannot be believed say nothing."""

LONGEST_NS = 30 * 24 * 3_600 * 1_000_000_000
"""Thirty days: a start that was never set, or an end of 2^64 - 1, is further away than that."""


def elapsed_s(start_ns: int, end_ns: int) -> float | None:
    """Seconds from start to end; None if a time is unset, they are the wrong way round, or too far apart."""
    elapsed_ns = end_ns - start_ns
    return elapsed_ns / 1e9 if start_ns and 0 <= elapsed_ns <= LONGEST_NS else None
