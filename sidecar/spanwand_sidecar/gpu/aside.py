"""A thread for calls that may never return: a driver that hangs must hang alone."""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")


class StillRunning(Exception):
    """The call has not returned in time. It goes on, and may be waited for again."""


class Aside(Generic[T]):
    """Makes one call at a time, elsewhere. Used from one thread."""

    def __init__(self, name: str) -> None:
        self._calls: SimpleQueue[Callable[[], T]] = SimpleQueue()
        self._answers: SimpleQueue[tuple[T | None, Exception | None]] = SimpleQueue()
        self.is_busy = False
        """A call has not returned."""
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def ask(self, call: Callable[[], T], timeout_s: float) -> T:
        """What a call returns or raises. While the call before has not returned, that one's; raises StillRunning."""
        if not self.is_busy:
            self.is_busy = True
            self._calls.put(call)
        try:
            value, error = self._answers.get(timeout=timeout_s)
        except Empty:
            raise StillRunning from None
        self.is_busy = False
        if error is not None:
            raise error
        return value  # type: ignore[return-value]  # there is a value if there is no error

    def _run(self) -> None:
        while True:
            call = self._calls.get()
            try:
                answer: tuple[T | None, Exception | None] = (call(), None)
            except Exception as error:  # noqa: BLE001  it is raised where it was asked for
                answer = (None, error)
            self._answers.put(answer)
