"""What was lost on any thread of the in-process exporter, on its way to the metrics of the line."""

import logging
import threading
import time

from spanwand.drops import DropReason, Drops

logger = logging.getLogger(__name__)

LOG_INTERVAL_S = 60.0


class Losses:
    """Counts drops from any thread; says so in the app's log once a minute per reason, not once per item."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # re-entrant: a signal handler may end a span in the middle of `add`
        self._untaken = Drops()
        self._unlogged = Drops()
        self._logged_at_s: dict[DropReason, float] = {}

    def add(self, reason: DropReason, count: int, why: str = "") -> None:
        """Count `count` items. `why` must hold no data of the app."""
        with self._lock:
            self._untaken[reason] += count
            self._unlogged[reason] += count
            now_s = time.monotonic()
            if now_s - self._logged_at_s.get(reason, -LOG_INTERVAL_S) < LOG_INTERVAL_S:
                return
            self._logged_at_s[reason] = now_s
            unlogged = self._unlogged.pop(reason)
        logger.warning("spanwand dropped %d: %s%s", unlogged, reason, f" ({why})" if why else "")

    def take(self) -> Drops:
        """The counts since the last call."""
        with self._lock:
            taken, self._untaken = self._untaken, Drops()
        return taken
