"""The HTTP door: OTLP/HTTP with protobuf or JSON bodies, gzip or not. Answers in the form it was asked in."""

import math
import socket
import threading
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from spanwand_sidecar.receive import http_media
from spanwand_sidecar.receive.addresses import is_loopback, listen, names_loopback, split_host_port
from spanwand_sidecar.receive.http_answers import CLIENT_GONE, JSON, refused
from spanwand_sidecar.receive.http_protocol import PROTOBUF, protocol
from spanwand_sidecar.receive.http_server import ToldServer
from spanwand_sidecar.receive.inflate import read_body
from spanwand_sidecar.receive.intake import Intake
from spanwand_sidecar.receive.media import MediaIntake
from spanwand_sidecar.receive.reception import Reception
from spanwand_sidecar.receive.refusal import Refusal, RefusalReason
from spanwand_sidecar.receive.signals import HTTP_PATHS, Signal

EMPTY_RESPONSES = {PROTOBUF: b"", JSON: b"{}"}
"""An Export response without partial success, of any signal."""
MAX_HEADER_BYTES = 16 << 10
STOP_TIMEOUT_S = 10.0
_ROUTING_REASONS = {404: RefusalReason.NOT_FOUND, 405: RefusalReason.WRONG_METHOD}


class HttpServer:
    """A running server on a thread of its own."""

    def __init__(self, listener: socket.socket, app: Starlette, reception: Reception, *, exposed: bool) -> None:
        host, port = listener.getsockname()[:2]
        self.addresses = (f"[{host}]:{port}" if ":" in host else f"{host}:{port}",)
        """As bound, with the real port."""
        limits, tls = reception.limits, reception.tls
        self._config = uvicorn.Config(
            app,
            http=protocol(limits.max_connections, limits.request_timeout_s),
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="error",  # or any stranger writes a line with each request that is none
            access_log=False,
            server_header=False,
            h11_max_incomplete_event_size=MAX_HEADER_BYTES,
            ssl_context_factory=(lambda _config, _default: tls.context()) if exposed and tls else None,
        )
        self._server = ToldServer(self._config)
        self._thread = threading.Thread(target=self._server.run, args=([listener],), name="http", daemon=True)
        self._thread.start()

    def stop(self, grace_s: float) -> None:
        """Refuse new connections, let requests in flight finish within `grace_s` seconds, and close."""
        self._config.timeout_graceful_shutdown = math.ceil(grace_s)
        self._server.tell_to_stop()
        self._thread.join(grace_s + STOP_TIMEOUT_S)


Check = Callable[[Request], None]
"""Raises Refusal for a request from somebody who may not ask."""


def serve(address: str, reception: Reception) -> HttpServer:
    """Listen on `host:port` (0: any port). Raises CannotListen, ConfigError."""
    host, port = split_host_port(address)
    exposed = not is_loopback(host)
    app = application(Intake(reception), _check_token(reception) if exposed else _check_host)
    return HttpServer(listen(host, port), app, reception, exposed=exposed)


def application(intake: Intake, check: Check) -> Starlette:
    """The app."""
    routes = [Route(path, _export(signal, intake, check), methods=["POST"]) for path, signal in HTTP_PATHS.items()]
    if intake.reception.media.columns:
        routes += http_media.routes(MediaIntake(intake), partial(_check_caller_and_size, check))
    return Starlette(routes=routes, exception_handlers={HTTPException: _not_routed})


def _export(signal: Signal, intake: Intake, check: Check) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    async def export(request: Request) -> Response:
        intake.counters.requests[signal] += 1
        media_type = _media_type(request)
        try:
            check(request)
            await _take(signal, intake, request, media_type)
        except ClientDisconnect:
            return CLIENT_GONE
        except Exception as error:  # noqa: BLE001  # a bug costs this request, never the daemon
            return refused(intake.refuse(error), media_type)
        return Response(EMPTY_RESPONSES[media_type], media_type=media_type)

    return export


async def _take(signal: Signal, intake: Intake, request: Request, media_type: str) -> None:
    """Raises Refusal."""
    _check_head(request, media_type, intake.limits.max_message_bytes)
    encoding = request.headers.get("content-encoding", "").strip().lower()
    with intake.hold() as hold:
        body = await read_body(request.stream(), encoding, intake, hold)
        if media_type == JSON:
            body = await intake.from_json(signal, body, hold)
        await intake(signal, body)


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _check_host(request: Request) -> None:
    """Bound to loopback, only a loopback name is answered to, so that no web page gets here by rebinding DNS."""
    if not names_loopback(request.headers.get("host", "")):
        raise Refusal(RefusalReason.WRONG_HOST, "Host must be a loopback name")


def _check_token(reception: Reception) -> Check:
    tokens = reception.tokens

    def check(request: Request) -> None:
        if tokens and not tokens.allow(request.headers.get("authorization", "")):
            raise Refusal(RefusalReason.UNAUTHENTICATED, "a valid bearer token is needed")

    return check


def _check_head(request: Request, media_type: str, max_bytes: int) -> None:
    if media_type not in EMPTY_RESPONSES:
        raise Refusal(RefusalReason.UNSUPPORTED_TYPE, f"Content-Type must be {PROTOBUF} or {JSON}")
    _check_size(request, max_bytes)


def _check_caller_and_size(check: Check, request: Request, max_bytes: int) -> None:
    check(request)
    _check_size(request, max_bytes)


def _check_size(request: Request, max_bytes: int) -> None:
    if sum(len(name) + len(value) for name, value in request.headers.raw) > MAX_HEADER_BYTES:
        raise Refusal(RefusalReason.HEADERS_TOO_LARGE, f"headers over {MAX_HEADER_BYTES} bytes")
    if int(request.headers.get("content-length", "0")) > max_bytes:
        raise Refusal(RefusalReason.TOO_LARGE, f"request over {max_bytes} bytes")


async def _not_routed(request: Request, error: Any) -> Response:
    """No such path, or not a POST: an HTTPException, as registered."""
    reason = _ROUTING_REASONS.get(error.status_code, RefusalReason.MALFORMED)
    return refused(Refusal(reason, error.detail), _media_type(request), error.headers)
