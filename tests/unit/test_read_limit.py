"""R17, R19: so many gRPC messages are received at once, and slow senders do not keep the others out."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from spanwand_sidecar.receive import RefusalReason
from spanwand_sidecar.receive import read_limit as module
from spanwand_sidecar.receive.read_limit import ReadLimit
from spanwand_sidecar.receive.refusal import Refusal


async def never() -> bytes:
    await asyncio.Event().wait()
    raise AssertionError("never")


async def at_once() -> bytes:
    await asyncio.sleep(0)
    return b"message"


def test_so_many_at_once_and_all_in_the_end() -> None:
    now, most = 0, 0

    async def read() -> int:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.001)
        now -= 1
        return most

    async def run() -> None:
        limit = ReadLimit(3, 1.0)
        await asyncio.gather(*(limit(read) for _ in range(50)))

    asyncio.run(run())
    assert (now, most) == (0, 3)


@pytest.mark.parametrize("read", [never, at_once])
def test_slow_senders_make_room(monkeypatch: pytest.MonkeyPatch, read: Callable[[], Awaitable[bytes]]) -> None:
    """They are told to come again; those who wait, slow or not, get their places."""
    monkeypatch.setattr(module, "PATIENCE_S", 0.02)

    async def run() -> list[object]:
        limit = ReadLimit(2, 1.5)
        slow = [asyncio.ensure_future(limit(never)) for _ in range(2)]
        await asyncio.sleep(0.1)
        assert not any(call.done() for call in slow)  # nobody waits
        waiting = [asyncio.ensure_future(limit(read)) for _ in range(4)]
        ended = await asyncio.gather(*slow, *waiting[:2], return_exceptions=True)
        for call in waiting:
            call.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return list(ended)

    ended = asyncio.run(run())
    refused = [error for error in ended if isinstance(error, Refusal)]
    assert {(error.reason, error.retry_after_s) for error in refused} == {(RefusalReason.OVERLOADED, 1.5)}
    assert len(refused) == (4 if read is never else 2)


def test_an_error_of_the_read_gives_its_place_back() -> None:
    async def fail() -> bytes:
        raise ConnectionResetError

    async def run() -> bytes:
        limit = ReadLimit(1, 1.0)
        for _ in range(3):
            with pytest.raises(ConnectionResetError):
                await limit(fail)
        return await limit(at_once)

    assert asyncio.run(run()) == b"message"
