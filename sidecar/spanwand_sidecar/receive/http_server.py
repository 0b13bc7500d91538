"""uvicorn's server, told to stop: to look ten times a second whether it is took most of an idle daemon's CPU (P10)."""

import asyncio
from contextlib import suppress

import uvicorn


class ToldServer(uvicorn.Server):
    """Sleeps while no request comes. The Date of answers is the protocol's business."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._told = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def main_loop(self) -> None:
        """Returns when the server is to stop."""
        self._loop = asyncio.get_running_loop()
        if not self.should_exit:
            await self._told.wait()

    def tell_to_stop(self) -> None:
        """From any thread, at any time."""
        self.should_exit = True  # first: `main_loop` looks for it once the loop is known
        if self._loop:
            with suppress(RuntimeError):  # it has ended
                self._loop.call_soon_threadsafe(self._told.set)
