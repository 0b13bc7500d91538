"""What the daemon asks of the operating system and of Python for itself."""

import ctypes
import gc
import resource
import sys
from contextlib import suppress

MAX_OPEN_FILES = 1 << 16
LARGE_BLOCK_BYTES = 1 << 20
MALLOC_ARENAS = 2
SWITCH_S = 0.0005
"""A door's thread waits that long for the line's: with Python's 5 ms an acknowledgement took 50 ms instead of 20."""
COLLECT_AFTER = (10_000, 20, 100)
"""Collections of cyclic garbage, of which there is little, are a tenth of a request's CPU with Python's thresholds."""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8


def prepare() -> None:
    """Room for connections; and memory that a large request took goes back once it is answered.

    glibc by itself raises the size from which a block is given back to the largest one it has seen, and keeps a heap
    for each thread: one burst of large requests would stay in the resident set for good (about 150 MB, measured).
    """
    _raise_open_files()
    sys.setswitchinterval(SWITCH_S)
    gc.set_threshold(*COLLECT_AFTER)
    with suppress(OSError, AttributeError):  # another C library has no such switches, nor the habit
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES)
        mallopt(_M_TRIM_THRESHOLD, LARGE_BLOCK_BYTES)
        mallopt(_M_ARENA_MAX, MALLOC_ARENAS)


def settle() -> None:
    """All parts are there, and stay: collections need not look at them, and what only their start took goes back."""
    gc.freeze()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _raise_open_files() -> None:
    """Every connection is an open file, and the usual limit of 1,024 is there for programs of the seventies."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
