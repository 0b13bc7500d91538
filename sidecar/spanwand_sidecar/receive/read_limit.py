"""How many gRPC messages are received at once: each is held as a whole before our code can see how large it is."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from spanwand_sidecar.receive.refusal import Refusal, RefusalReason

PATIENCE_S = 0.1
T = TypeVar("T")


class ReadLimit:
    """A number of places, each for one message. A call without one costs no memory but its flow control window.

    A sender may be as slow as it likes, until another waits: then those who have had a place for `PATIENCE_S` are
    told to come again, so that slow senders do not keep the others out. For one event loop.
    """

    def __init__(self, places: int, retry_after_s: float) -> None:
        self._places = asyncio.Semaphore(places)
        self._retry_after_s = retry_after_s
        self._reading: dict[asyncio.Timeout, float] = {}  # since when, by the loop's clock
        self._watch: asyncio.TimerHandle | None = None

    async def __call__(self, read: Callable[[], Awaitable[T]]) -> T:
        """The message. Raises Refusal if it came too slowly."""
        if self._places.locked():
            self._keep_watch()
        async with self._places:
            limit = asyncio.timeout(None)
            self._reading[limit] = asyncio.get_running_loop().time()
            try:
                async with limit:
                    return await read()
            except TimeoutError:
                raise Refusal(RefusalReason.OVERLOADED, "the message came too slowly", self._retry_after_s) from None
            finally:
                del self._reading[limit]

    def _keep_watch(self) -> None:
        if self._watch is None:
            self._watch = asyncio.get_running_loop().call_later(PATIENCE_S, self._end_slow)

    def _end_slow(self) -> None:
        self._watch = None
        if self._places.locked():
            now_s = asyncio.get_running_loop().time()
            for limit, since_s in self._reading.items():
                if since_s <= now_s - PATIENCE_S:
                    limit.reschedule(now_s)
            self._keep_watch()
