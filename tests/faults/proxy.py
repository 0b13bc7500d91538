"""A network that is slow: a TCP proxy that lets each connection through at so many bytes a second."""

import asyncio
import threading
from typing import Self

PIECES_PER_S = 20


class ThrottlingProxy:
    """Forwards a loopback port to `target`, from the beginning of the block to its end. Answers are not slowed."""

    def __init__(self, target: str, bytes_per_s: int) -> None:
        self._host, _, port = target.rpartition(":")
        self._port = int(port)
        self._piece_bytes = max(bytes_per_s // PIECES_PER_S, 1)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._connections: set[asyncio.Task[None]] = set()
        self.address = ""

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._connected, "127.0.0.1", 0, limit=1 << 14), self._loop
        ).result(10)
        self.address = "{}:{}".format(*self._server.sockets[0].getsockname())
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _close(self) -> None:
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._forward(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            back_reader, forth = await asyncio.open_connection(self._host, self._port)
            try:
                await asyncio.gather(
                    _copy(reader, forth, self._piece_bytes, 1 / PIECES_PER_S), _copy(back_reader, writer, 1 << 16, 0)
                )
            finally:
                forth.close()
        except OSError:
            return  # either side went away
        finally:
            writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, piece_bytes: int, pause_s: float) -> None:
    while piece := await reader.read(piece_bytes):
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(pause_s)
    writer.close()
