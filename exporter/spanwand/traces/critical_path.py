"""Which part of a request nothing could overlap: the steps that it waited for, one after the other."""

from collections.abc import Iterable


def critical_path_s(times_ns: Iterable[int]) -> float:
    """Seconds on the chain of steps that ends last. `times_ns` are start and end of one step after the other.

    Walked from the end: what ends last counts from its start on; before that start, whatever ended last before it.
    """
    length_ns, start_of_chain_ns = 0, None
    times = iter(times_ns)
    for start_ns, end_ns in sorted(zip(times, times, strict=True), key=_end_then_start, reverse=True):
        if start_of_chain_ns is None or end_ns <= start_of_chain_ns:
            length_ns += end_ns - start_ns
            start_of_chain_ns = start_ns
    return length_ns / 1e9


def _end_then_start(interval: tuple[int, int]) -> tuple[int, int]:
    """Of steps that end together the shorter one first: what it waited for before it counts too."""
    return interval[1], interval[0]
