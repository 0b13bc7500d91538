"""What a fork must not cut in two: an import on one of our threads.

The child would inherit the import's lock, held by a thread that it does not have, and hang in its own import.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

LONGEST_WAIT_S = 5.0
"""After that the app forks all the same."""

_working = threading.RLock()
_fork = threading.local()


@contextmanager
def held_back() -> Iterator[None]:
    """Let a fork of this process wait until the block is over."""
    with _working:
        yield


def _before() -> None:
    _fork.waited = _working.acquire(timeout=LONGEST_WAIT_S)


def _after_in_parent() -> None:
    if _fork.waited:
        _working.release()


def _after_in_child() -> None:
    global _working
    _working = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
