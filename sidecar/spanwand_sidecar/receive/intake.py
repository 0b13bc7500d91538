"""What both doors do with a request: check it, make it durable, count it."""

from spanwand_sidecar.journal import (
    AsyncJournal,
    FrameKind,
    Journal,
    JournalClosed,
    JournalError,
    JournalFull,
    JournalSick,
)
from spanwand_sidecar.receive.counters import Counters
from spanwand_sidecar.receive.limits import ReceiveConfig
from spanwand_sidecar.receive.prescan import prescan
from spanwand_sidecar.receive.refusal import Refusal, RefusalReason
from spanwand_sidecar.receive.signals import Signal

_REASONS: dict[type[JournalError], RefusalReason] = {
    JournalFull: RefusalReason.JOURNAL_FULL,
    JournalSick: RefusalReason.JOURNAL_SICK,
    JournalClosed: RefusalReason.CLOSING,
}


class Intake:
    """One per event loop. Calling it returns when the request may be acknowledged, or raises Refusal."""

    def __init__(self, journal: Journal, limits: ReceiveConfig, counters: Counters) -> None:
        self.limits = limits
        self.counters = counters
        self._journal = AsyncJournal(journal)
        self._in_flight_bytes = 0

    async def __call__(self, signal: Signal, body: bytes) -> None:
        """Take the body of an Export request of a signal. Raises Refusal, which the door counts."""
        if signal is not Signal.TRACES:
            self.counters.ignored[signal] += 1
            return
        spans = self._count(body)
        if spans:
            await self._store(body)
        self.counters.accepted_spans += spans
        self.counters.accepted_bytes += len(body)

    def _count(self, body: bytes) -> int:
        if len(body) > self.limits.max_message_bytes:
            raise Refusal(RefusalReason.TOO_LARGE, f"request over {self.limits.max_message_bytes} bytes")
        scan = prescan(body, self.limits.max_spans)
        if scan.too_many:
            raise Refusal(RefusalReason.TOO_MANY_SPANS, f"request with over {self.limits.max_spans} spans")
        if not scan.ok:
            raise Refusal(RefusalReason.MALFORMED, "body is not an ExportTraceServiceRequest")
        return scan.spans

    async def _store(self, body: bytes) -> None:
        if self._in_flight_bytes and self._in_flight_bytes + len(body) > self.limits.max_in_flight_bytes:
            raise Refusal(RefusalReason.OVERLOADED, "too much is waiting for the disk", self.limits.retry_after_s)
        self._in_flight_bytes += len(body)
        try:
            await self._journal.append(FrameKind.OTLP_TRACES, body)
        except JournalError as error:
            raise Refusal(_REASONS[type(error)], str(error), self.limits.retry_after_s) from error
        finally:
            self._in_flight_bytes -= len(body)
