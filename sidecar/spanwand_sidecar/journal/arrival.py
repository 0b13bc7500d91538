"""Journal time: the arrival stamp of each frame, which never goes back."""

import time


class ArrivalClock:
    """Epoch nanoseconds, never earlier than the stamp before, also across restarts.

    It follows the wall clock when that is ahead. When the wall clock is set back, stamps go on at the pace of the
    monotonic clock, so that windows still close. Not thread-safe: one writer stamps, in journal order.
    """

    def __init__(self, last_ns: int) -> None:
        self.last_ns = last_ns
        self._last_monotonic_ns = time.monotonic_ns()

    def __call__(self) -> int:
        """The stamp of the next frame."""
        monotonic_ns = time.monotonic_ns()
        advanced_ns = self.last_ns + monotonic_ns - self._last_monotonic_ns
        self._last_monotonic_ns = monotonic_ns
        self.last_ns = max(time.time_ns(), advanced_ns)
        return self.last_ns
