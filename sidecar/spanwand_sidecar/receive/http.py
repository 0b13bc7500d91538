"""The HTTP door: OTLP/HTTP with protobuf bodies, gzip or not."""

import math
import socket
import threading
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from spanwand_sidecar.journal import Journal
from spanwand_sidecar.receive.addresses import is_loopback, listen, split_host_port
from spanwand_sidecar.receive.counters import Counters
from spanwand_sidecar.receive.inflate import read_body
from spanwand_sidecar.receive.intake import Intake
from spanwand_sidecar.receive.limits import ReceiveConfig
from spanwand_sidecar.receive.refusal import Refusal, RefusalReason
from spanwand_sidecar.receive.signals import HTTP_PATHS, Signal

PROTOBUF = "application/x-protobuf"
MAX_HEADER_BYTES = 16 << 10
STOP_TIMEOUT_S = 10.0
CLIENT_GONE = 499
"""Nobody hears it: the sender closed the connection before its body was whole."""
_ROUTING_REASONS = {404: RefusalReason.NOT_FOUND, 405: RefusalReason.WRONG_METHOD}


class HttpServer:
    """A running server on a thread of its own."""

    def __init__(self, listener: socket.socket, app: Starlette) -> None:
        host, port = listener.getsockname()[:2]
        self.addresses = (f"[{host}]:{port}" if ":" in host else f"{host}:{port}",)
        """As bound, with the real port."""
        self._config = uvicorn.Config(
            app,
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            h11_max_incomplete_event_size=MAX_HEADER_BYTES,
        )
        self._server = uvicorn.Server(self._config)
        self._thread = threading.Thread(target=self._server.run, args=([listener],), name="http", daemon=True)
        self._thread.start()

    def stop(self, grace_s: float) -> None:
        """Refuse new connections, let requests in flight finish within `grace_s` seconds, and close."""
        self._config.timeout_graceful_shutdown = math.ceil(grace_s)
        self._server.should_exit = True
        self._thread.join(grace_s + STOP_TIMEOUT_S)


def serve(address: str, journal: Journal, limits: ReceiveConfig, counters: Counters) -> HttpServer:
    """Listen on `host:port` (0: any port). Raises CannotListen, ConfigError."""
    host, port = split_host_port(address)
    return HttpServer(listen(host, port), application(Intake(journal, limits, counters), loopback=is_loopback(host)))


def application(intake: Intake, *, loopback: bool) -> Starlette:
    """The app. Bound to loopback, it answers only to a loopback name, so no web page can reach it by rebinding DNS."""
    routes = [
        Route(path, _export(signal, intake, loopback=loopback), methods=["POST"]) for path, signal in HTTP_PATHS.items()
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: _not_routed})


def _export(signal: Signal, intake: Intake, *, loopback: bool) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    async def export(request: Request) -> Response:
        intake.counters.requests[signal] += 1
        try:
            if loopback:
                _check_host(request)
            await intake(signal, await _body(request, intake.limits.max_message_bytes))
        except Refusal as refusal:
            intake.counters.refused[refusal.reason] += 1
            return _refused(refusal)
        except ClientDisconnect:
            return Response(status_code=CLIENT_GONE)
        return Response(b"", media_type=PROTOBUF)

    return export


async def _body(request: Request, max_bytes: int) -> bytes:
    _check_head(request, max_bytes)
    encoding = request.headers.get("content-encoding", "").strip().lower()
    return await read_body(request.stream(), encoding, max_bytes)


def _check_host(request: Request) -> None:
    host = request.headers.get("host", "")
    name = host.partition("]")[0].removeprefix("[") if host.startswith("[") else host.partition(":")[0]
    if not is_loopback(name):
        raise Refusal(RefusalReason.WRONG_HOST, "Host must be a loopback name")


def _check_head(request: Request, max_bytes: int) -> None:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "application/json":
        raise Refusal(RefusalReason.UNSUPPORTED_TYPE, f"OTLP/JSON is not supported yet; send {PROTOBUF}")
    if media_type != PROTOBUF:
        raise Refusal(RefusalReason.UNSUPPORTED_TYPE, f"Content-Type must be {PROTOBUF}")
    if int(request.headers.get("content-length", "0")) > max_bytes:
        raise Refusal(RefusalReason.TOO_LARGE, f"request over {max_bytes} bytes")


def _refused(refusal: Refusal, headers: Mapping[str, str] | None = None) -> Response:
    """A google.rpc.Status. After a final refusal the connection is closed, for its body may not have been read."""
    extra = {"retry-after": str(math.ceil(refusal.retry_after_s))} if refusal.codes.retry else {"connection": "close"}
    return Response(refusal.status(), refusal.codes.http, {**(headers or {}), **extra}, PROTOBUF)


async def _not_routed(_: Request, error: Any) -> Response:
    """No such path, or not a POST: an HTTPException, as registered."""
    reason = _ROUTING_REASONS.get(error.status_code, RefusalReason.MALFORMED)
    return _refused(Refusal(reason, error.detail), error.headers)
