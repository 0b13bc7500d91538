"""CPU time of this process by what its threads are for. For bench/watched_service.py."""

import threading
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

NATIVE = "not Python's"
"""Threads of libraries, such as gRPC's."""

Seconds = Mapping[int, float]
"""CPU time of each thread that is alive, by its native id."""


def alive() -> Seconds:
    """CPU seconds of all threads up to now, to the nanosecond as the scheduler counts them."""
    took = {}
    for thread in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):
            took[int(thread.name)] = int((thread / "schedstat").read_text().split()[0]) / 1e9
    return took


def by_name(before: Seconds, now: Seconds) -> Mapping[str, float]:
    """Seconds since `before`, by name; what a pool's threads are numbered by is left out of theirs."""
    names = {thread.native_id: thread.name.partition("_")[0] for thread in threading.enumerate()}
    took: defaultdict[str, float] = defaultdict(float)
    for thread, seconds in now.items():
        took[names.get(thread, NATIVE)] += seconds - before.get(thread, 0.0)
    return took
