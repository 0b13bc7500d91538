"""The gRPC door: OTLP Export for the three signals, bodies as raw bytes.

On grpc.aio, not the thread pool server: 270 µs of CPU for a durable acknowledgement against 340 to 430 µs, measured.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import grpc
import grpc.aio

from spanwand.errors import SpanwandError
from spanwand_sidecar.receive import grpc_media
from spanwand_sidecar.receive.addresses import (
    UNIX,
    CannotListen,
    clear_stale_socket,
    is_exposed,
    listen,
    make_directory,
    split_host_port,
)
from spanwand_sidecar.receive.config import ReceiveConfig
from spanwand_sidecar.receive.grpc_answers import Context, refuse
from spanwand_sidecar.receive.intake import Intake
from spanwand_sidecar.receive.media import MediaIntake
from spanwand_sidecar.receive.read_limit import ReadLimit
from spanwand_sidecar.receive.reception import Reception
from spanwand_sidecar.receive.refusal import Refusal, RefusalReason
from spanwand_sidecar.receive.signals import GRPC_METHODS, Signal
from spanwand_sidecar.receive.tls import Tls

EMPTY_RESPONSE = b""
"""An Export response without partial success, of any signal."""
SOCKET_MODE = 0o660
MAX_HEADER_BYTES = 16 << 10
START_TIMEOUT_S = 10.0
MAX_STREAMS = 100
"""Calls at once on one connection; clients keep further ones waiting."""
COPIES = 2
"""Of a message in memory while it is handed over to us."""

Register = Callable[[grpc.aio.Server], None]
"""Adds a further service, such as health, before the server starts."""
Handler: TypeAlias = "grpc.RpcMethodHandler[bytes, bytes]"
T = TypeVar("T")


class GrpcServer:
    """A running server on an event loop of its own thread."""

    def __init__(self) -> None:
        self.addresses: tuple[str, ...] = ()
        """As bound: `host:port` with the real port, or `unix:PATH`."""
        self._servers: list[grpc.aio.Server] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="grpc", daemon=True)
        self._thread.start()

    def stop(self, grace_s: float) -> None:
        """Refuse new requests, let those in flight finish within `grace_s` seconds, and close. Call once."""
        self.run(self._stop(grace_s), grace_s + START_TIMEOUT_S)
        for address in self.addresses:
            if address.startswith(UNIX):
                Path(address.removeprefix(UNIX)).unlink(missing_ok=True)
        self.close()

    def run(self, work: Coroutine[Any, Any, T], timeout_s: float = START_TIMEOUT_S) -> T:
        """Run a coroutine on the server's loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout_s)

    def close(self) -> None:
        """End the loop and its thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def start(self, addresses: Sequence[str], intake: Intake, extra_services: Sequence[Register]) -> None:
        """Bind all addresses and serve. Raises CannotListen.

        Each address has a server of its own, for nothing tells a handler at which one it was asked.
        """
        limits = intake.limits
        places = max(limits.max_in_flight_bytes // (COPIES * _max_message_bytes(limits)), 1)
        limit = ReadLimit(places, limits.retry_after_s)
        media = MediaIntake(intake) if intake.reception.media.columns else None
        try:
            for address in addresses:
                server = grpc.aio.server(options=_options(limits))
                self._servers.append(server)
                server.add_generic_rpc_handlers((_Handlers(intake, limit, media, exposed=is_exposed(address)),))
                for register in extra_services:
                    register(server)
                self.addresses += (_bind(server, address, intake.reception.tls),)
        except SpanwandError:
            await self._stop(0)
            raise
        for server in self._servers:
            await server.start()

    async def _stop(self, grace_s: float) -> None:
        await asyncio.gather(*(server.stop(grace_s) for server in self._servers))


def serve(addresses: Sequence[str], reception: Reception, extra_services: Sequence[Register] = ()) -> GrpcServer:
    """Listen on `host:port` (0: any port) and `unix:PATH` addresses. Raises CannotListen, ConfigError."""
    server = GrpcServer()
    try:
        server.run(server.start(addresses, Intake(reception), extra_services))
    except BaseException:
        server.close()
        raise
    return server


class _Handlers(grpc.GenericRpcHandler):
    """Export of each signal, without a deserialiser: what was sent is what is stored. And uploads, if images are on."""

    def __init__(self, intake: Intake, limit: ReadLimit, media: MediaIntake | None, *, exposed: bool) -> None:
        self._tokens = intake.reception.tokens if exposed else None
        self._refuse: grpc.RpcMethodHandler[bytes, bytes] = grpc.stream_stream_rpc_method_handler(
            _unauthenticated(intake)
        )
        self._handlers: dict[str, Handler] = {
            method: grpc.stream_unary_rpc_method_handler(_export(signal, intake, limit))
            for method, signal in GRPC_METHODS.items()
        }
        if media:
            self._handlers[grpc_media.METHOD] = grpc.stream_unary_rpc_method_handler(grpc_media.upload(media, limit))

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "Handler | None":
        if self._tokens and not self._tokens.allow(_authorization(handler_call_details)):
            return self._refuse
        return self._handlers.get(handler_call_details.method)


def _authorization(details: grpc.HandlerCallDetails) -> str:
    values = [value for key, value in details.invocation_metadata or () if key == "authorization"]
    return values[0] if len(values) == 1 and isinstance(values[0], str) else ""


def _unauthenticated(intake: Intake) -> Callable[[Any, Context], Coroutine[Any, Any, None]]:
    """A stream of nothing read: the message is neither received as a whole nor inflated."""

    async def turn_away(_requests: object, context: Context) -> None:
        refusal = Refusal(RefusalReason.UNAUTHENTICATED, "a valid bearer token is needed")
        refuse(context, intake.refuse(refusal))

    return turn_away


def _export(signal: Signal, intake: Intake, limit: ReadLimit) -> Callable[[Any, Context], Coroutine[Any, Any, bytes]]:
    """For grpc a stream, of which one message is read: so it is we who say when that is received."""

    async def export(_requests: object, context: Context) -> bytes:
        intake.counters.requests[signal] += 1
        try:
            await _take(signal, intake, limit, context)
        except Exception as error:  # noqa: BLE001  # a bug costs this request, never the daemon
            refuse(context, intake.refuse(error))
        return EMPTY_RESPONSE

    return export


async def _take(signal: Signal, intake: Intake, limit: ReadLimit, context: Context) -> None:
    """Raises Refusal."""
    with intake.hold() as hold:
        body = await limit(context.read)
        if not isinstance(body, bytes):
            raise Refusal(RefusalReason.MALFORMED, "a call without a message")
        hold.grow(len(body))
        await intake(signal, body)


def _bind(server: grpc.aio.Server, address: str, tls: Tls | None) -> str:
    if address.startswith(UNIX):
        return _bind_unix(server, Path(address.removeprefix(UNIX)))
    listen(*split_host_port(address)).close()  # says why not, which grpc only logs
    try:
        if tls and is_exposed(address):
            port = server.add_secure_port(address, tls.grpc_credentials())
        else:
            port = server.add_insecure_port(address)
    except RuntimeError as error:
        raise CannotListen(f"cannot listen on {address}: {error}") from error
    return f"{address.rpartition(':')[0]}:{port}"


def _bind_unix(server: grpc.aio.Server, path: Path) -> str:
    """For the owner and the group, from the first moment on (battery R41)."""
    address = f"{UNIX}{path}"
    make_directory(path)
    clear_stale_socket(path)
    umask = os.umask(0o777 & ~SOCKET_MODE)
    try:
        server.add_insecure_port(address)
    except RuntimeError as error:
        raise CannotListen(f"cannot listen on {address}: {error}") from error
    finally:
        os.umask(umask)
    path.chmod(SOCKET_MODE)
    return address


def _max_message_bytes(limits: ReceiveConfig) -> int:
    return min(limits.max_grpc_message_bytes, limits.max_message_bytes)


def _options(limits: ReceiveConfig) -> list[tuple[str, int]]:
    """Two daemons on one port would silently share the traffic if the port could be bound twice.

    Without the probe a call that waits to be read can send 64 KiB ahead; with it, megabytes. Without a limit on
    streams, 10,000 calls a second that are reset at once take 50 MB a second, and all of the event loop (measured).
    """
    return [
        ("grpc.max_receive_message_length", _max_message_bytes(limits)),
        ("grpc.http2.bdp_probe", 0),
        ("grpc.max_concurrent_streams", MAX_STREAMS),
        ("grpc.server_handshake_timeout_ms", int(1000 * limits.request_timeout_s)),
        ("grpc.so_reuseport", 0),
        ("grpc.max_metadata_size", MAX_HEADER_BYTES),
        ("grpc.absolute_max_metadata_size", MAX_HEADER_BYTES),
    ]
