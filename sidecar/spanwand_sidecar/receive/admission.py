"""How much of what senders sent is held in memory at once, before it is durable."""

import threading
from types import TracebackType
from typing import Self

from spanwand_sidecar.receive.refusal import Refusal, RefusalReason


class Admission:
    """A budget of bytes, shared by all doors and their threads. A lone request is always let in, however large."""

    def __init__(self, max_bytes: int, retry_after_s: float) -> None:
        self.held_bytes = 0
        """Estimated memory of the requests held now."""
        self._max_bytes = max_bytes
        self._retry_after_s = retry_after_s
        self._lock = threading.Lock()

    def change(self, size: int, held: int) -> None:
        """Take `size` bytes for a request that holds `held` already. Raises Refusal if the budget is spent."""
        with self._lock:
            others = self.held_bytes - held
            if others > 0 and self.held_bytes + size > self._max_bytes:
                raise Refusal(RefusalReason.OVERLOADED, "too many bytes are being received", self._retry_after_s)
            self.held_bytes += size

    def give_back(self, held: int) -> None:
        """Return what a request held."""
        with self._lock:
            self.held_bytes -= held


class Hold:
    """What one request holds of the budget; given back at the end of the `with` block."""

    __slots__ = ("_admission", "_held")

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._held = 0

    def grow(self, size: int) -> None:
        """Hold `size` bytes more. Raises Refusal if other requests hold too much."""
        self._admission.change(size, self._held)
        self._held += size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._admission.give_back(self._held)
