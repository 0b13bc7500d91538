"""The last work of a process: after the app is over, before Python's exit hooks run.

An `atexit` hook would be wrong twice. Hooks run in reverse order, so wandb's own, registered with its first run, would
end wandb before the OpenTelemetry SDK's hands over the spans it still holds; and before Python 3.13 children of
`multiprocessing` run no hooks at all. A thread that is no daemon is waited for before any hook, in children too. This
one waits for the main thread and for every other thread that keeps the app alive.
"""

import concurrent.futures.thread  # noqa: F401  # wandb needs it, and once the main thread has ended it cannot be imported
import threading
import weakref
from collections.abc import Callable


def call_before_exit(work: Callable[[], object]) -> None:
    """Call a bound method when the app is over, unless its object is gone by then. A fork needs a call of its own."""
    threading.Thread(target=_wait, args=(weakref.WeakMethod(work),), name="spanwand-exit", daemon=False).start()


def _wait(work: "weakref.WeakMethod[Callable[[], object]]") -> None:
    while keeping_alive := _keeping_alive():
        for thread in keeping_alive:
            thread.join()
    if call := work():
        call()


def _keeping_alive() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if _keeps_alive(thread)]


def _keeps_alive(thread: threading.Thread) -> bool:
    return thread.is_alive() and not thread.daemon and thread.name != "spanwand-exit"
