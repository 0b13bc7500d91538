"""Threads that an app should not notice: they never keep it alive, and what they send is not traced."""

import threading
from collections.abc import Callable

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, attach, set_value

SUPPRESSING_KEYS = (_SUPPRESS_INSTRUMENTATION_KEY, "suppress_instrumentation")
"""What instrumentations look for: the API's key, and the plain one that older ones know."""


def start_thread(name: str, work: Callable[[], object]) -> threading.Thread:
    """Run `work` on a daemon thread."""
    thread = threading.Thread(target=_untraced, args=(work,), name=name, daemon=True)
    thread.start()
    return thread


def _untraced(work: Callable[[], object]) -> None:
    for key in SUPPRESSING_KEYS:
        attach(set_value(key, value=True))
    work()
