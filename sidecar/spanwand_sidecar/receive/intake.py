"""What both doors do with a request: check it, make it durable, count it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from spanwand_sidecar.journal import (
    AsyncJournal,
    FrameKind,
    JournalClosed,
    JournalError,
    JournalFull,
    JournalSick,
)
from spanwand_sidecar.log import Seldom
from spanwand_sidecar.receive.admission import Hold
from spanwand_sidecar.receive.estimate import TooCostly, check_cost
from spanwand_sidecar.receive.prescan import Malformed, prescan
from spanwand_sidecar.receive.reception import Reception
from spanwand_sidecar.receive.refusal import Refusal, RefusalReason
from spanwand_sidecar.receive.signals import Signal

QUICK_BYTES = 256 << 10
"""Up to this size a body is checked on the event loop; a larger one would keep it from others for too long."""
FRAMES = {
    Signal.TRACES: FrameKind.OTLP_TRACES,
    Signal.METRICS: FrameKind.OTLP_METRICS,
    Signal.LOGS: FrameKind.OTLP_LOGS,
}
_REASONS: dict[type[JournalError], RefusalReason] = {
    JournalFull: RefusalReason.JOURNAL_FULL,
    JournalSick: RefusalReason.JOURNAL_SICK,
    JournalClosed: RefusalReason.CLOSING,
}
T = TypeVar("T")


class Intake:
    """One per event loop. Calling it returns when the request may be acknowledged, or raises Refusal."""

    def __init__(self, reception: Reception) -> None:
        self.reception = reception
        self.limits = reception.limits
        self.counters = reception.counters
        self._admission = reception.admission
        self._journal = AsyncJournal(reception.journal)
        self._slow = ThreadPoolExecutor(1, "receive")
        self._seldom = Seldom()

    def hold(self) -> Hold:
        """What a request holds of the memory for requests; a context manager."""
        return Hold(self._admission)

    async def __call__(self, signal: Signal, body: bytes) -> None:
        """Take the body of an Export request of a signal. Raises Refusal, which the door counts."""
        if len(body) > self.limits.max_message_bytes:
            raise Refusal(RefusalReason.TOO_LARGE, f"request over {self.limits.max_message_bytes} bytes")
        items = self._check(signal, body) if len(body) <= QUICK_BYTES else await self.aside(self._check, signal, body)
        if items:
            await self.store(FRAMES[signal], body)
        self.counters.accepted[signal] += items
        self.counters.accepted_bytes += len(body)

    async def from_json(self, signal: Signal, body: bytes, hold: Hold) -> bytes:
        """The protobuf bytes of a request in OTLP/JSON. Raises Refusal."""
        from spanwand_sidecar.receive import otlp_json  # OpenTelemetry's descriptors, which nothing else needs

        tree_bytes = otlp_json.parsed_bytes(body)
        if tree_bytes > self.limits.max_parsed_bytes:
            raise self._too_costly()
        hold.grow(tree_bytes)
        try:
            return await self.aside(otlp_json.to_protobuf, signal, body)
        except otlp_json.NotOtlpJson as error:
            raise Refusal(RefusalReason.MALFORMED, str(error)) from None

    async def aside(self, work: Callable[..., T], *arguments: object) -> T:
        """Do slow work on the one thread for it, so that small requests are answered meanwhile."""
        return await asyncio.get_running_loop().run_in_executor(self._slow, work, *arguments)

    def refuse(self, error: Exception) -> Refusal:
        """Count what kept a request from being acknowledged. If it is a bug, the sender may try again: not its fault.

        What it returns has forgotten where it was raised: the frames on that way hold the body, and servers keep
        an exception for as long as its call.
        """
        if not isinstance(error, Refusal):
            self._seldom.warning("failed", "a request failed: %s", type(error).__name__, exc_info=True)
            error = Refusal(RefusalReason.FAILED, "internal error", self.limits.retry_after_s)
        self.counters.refused[error.reason] += 1
        error.__traceback__ = error.__cause__ = error.__context__ = None
        return error

    def close(self) -> None:
        """End the thread."""
        self._slow.shutdown(wait=False, cancel_futures=True)

    def _check(self, signal: Signal, body: bytes) -> int:
        """The number of items in a request. Raises Refusal."""
        scan = prescan(body, self.limits.max_spans)
        if scan.too_many:
            raise Refusal(RefusalReason.TOO_MANY_SPANS, f"request with over {self.limits.max_spans} items")
        try:
            check_cost(signal, body, self.limits.max_parsed_bytes)
        except TooCostly:
            raise self._too_costly() from None
        except Malformed:
            raise _malformed(signal) from None
        if not scan.ok:
            raise _malformed(signal)
        return scan.items

    def _too_costly(self) -> Refusal:
        message = f"request would take over {self.limits.max_parsed_bytes} bytes of memory when parsed"
        return Refusal(RefusalReason.TOO_COSTLY, message)

    async def store(self, kind: FrameKind, body: bytes) -> None:
        """Make a frame durable. Raises Refusal."""
        try:
            await self._journal.append(kind, body)
        except JournalError as error:
            raise Refusal(_REASONS[type(error)], str(error), self.limits.retry_after_s) from error


def _malformed(signal: Signal) -> Refusal:
    return Refusal(RefusalReason.MALFORMED, f"body is not an Export request of {signal}")
