"""HTTP/1.1 on a connection: uvicorn's, with limits on connections and time, and errors that OTLP senders can read."""

import asyncio
from email.utils import formatdate

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from spanwand_sidecar.receive.refusal import Refusal, RefusalReason

PROTOBUF = "application/x-protobuf"

LINGER_S = 2.0
_UNFINISHED = (h11.IDLE, h11.SEND_BODY)


class OtlpProtocol(H11Protocol):
    """One connection. A subclass because uvicorn has no other place for a time limit or the body of its own errors."""

    max_connections: int
    request_timeout_s: float
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """A connection more than allowed is closed before a byte of it is read."""
        super().connection_made(transport)
        if len(self.connections) > self.max_connections:
            transport.abort()
        else:
            self._set_deadline(self.request_timeout_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """The peer or we have closed it."""
        self._clear_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """The first bytes of a request begin its time; the last ones end it."""
        self.server_state.default_headers = [(b"date", formatdate(usegmt=True).encode())]
        if self._deadline is None:
            self._set_deadline(self.request_timeout_s)
        super().data_received(data)
        if self.conn.their_state not in _UNFINISHED:
            self._clear_deadline()
        elif self.conn.their_state is h11.IDLE and not self.conn.trailing_data[0]:  # the rest of a refused body is in
            self._set_deadline(self.request_timeout_s)

    def on_response_complete(self) -> None:
        """Read on a little behind an early refusal: closed at once, the sender would hear a reset, not the answer."""
        self._clear_deadline()
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY:
            self._set_deadline(LINGER_S)

    def send_400_response(self, msg: str) -> None:
        """What is not HTTP is answered like any other refusal."""
        body = Refusal(RefusalReason.MALFORMED, msg).status()
        length = str(len(body)).encode()
        headers = [(b"content-type", PROTOBUF.encode()), (b"content-length", length), (b"connection", b"close")]
        for event in (h11.Response(status_code=400, headers=headers), h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _set_deadline(self, seconds: float) -> None:
        self._clear_deadline()
        self._deadline = self.loop.call_later(seconds, self.transport.abort)

    def _clear_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def protocol(max_connections: int, request_timeout_s: float) -> type[OtlpProtocol]:
    """The protocol with its limits."""

    class Limited(OtlpProtocol):
        pass

    Limited.max_connections, Limited.request_timeout_s = max_connections, request_timeout_s
    return Limited
