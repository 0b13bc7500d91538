"""The journal for a server that runs on an event loop."""

import asyncio
from collections import deque
from contextlib import suppress
from functools import partial

from spanwand_sidecar.journal.errors import JournalError
from spanwand_sidecar.journal.frame import FrameKind
from spanwand_sidecar.journal.journal import Journal


class AsyncJournal:
    """Appends without blocking the loop, which is woken once for all that one sync made durable. One per loop."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._answers: deque[tuple[asyncio.Future[int], int | JournalError]] = deque()
        self._waking = False

    async def append(self, kind: FrameKind, body: bytes) -> int:
        """Store a frame; returns the position behind it once it is durable. Raises JournalError."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[int] = loop.create_future()
        self._journal.submit(kind, body, partial(self._answer, loop, future))
        return await future

    def _answer(self, loop: asyncio.AbstractEventLoop, future: asyncio.Future[int], answer: int | JournalError) -> None:
        """On the writer's thread. The flag is read behind the append and cleared before the queue is emptied."""
        self._answers.append((future, answer))
        if not self._waking:
            self._waking = True
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(self._resolve)

    def _resolve(self) -> None:
        self._waking = False
        while self._answers:
            future, answer = self._answers.popleft()
            if future.done():  # the sender went away
                continue
            if isinstance(answer, JournalError):
                future.set_exception(answer)
            else:
                future.set_result(answer)
