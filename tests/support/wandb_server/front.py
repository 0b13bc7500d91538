"""The HTTP front: who may ask, which faults apply, where a request goes, and a log of all of it."""

import base64
import gzip
import json
import socketserver
import sys
import time
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR, socket
from typing import Any
from urllib.parse import urlsplit

from tests.support.wandb_server.document import parse
from tests.support.wandb_server.faults import Fault, Faults
from tests.support.wandb_server.operations import errors
from tests.support.wandb_server.routes import Answer, Request, Route, find_route
from tests.support.wandb_server.world import World


@dataclass
class Exchange:
    """One request as logged. `status` is 0 as long as, or if, it got no answer. The key is not kept."""

    method: str
    path: str
    operation: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    status: int = 0

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.operation}"


@dataclass
class Site:
    """What all connections share."""

    world: World
    faults: Faults
    keys: set[str]
    log: list[Exchange] = field(default_factory=list)


class Listener(ThreadingHTTPServer):
    """A port that is bound at once, but refuses connections until `server_activate`. Knows its connections."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, port: int, site: Site) -> None:
        super().__init__(("127.0.0.1", port), Handler, bind_and_activate=False)
        self.site = site
        self.connections: set[socket] = set()
        self.server_bind()

    def server_bind(self) -> None:
        """Bind without the look-up of the host's name that the base class makes."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection on a thread of its own, and remember it."""
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget a connection that has ended."""
        self.connections.discard(request)
        super().shutdown_request(request)

    def drop_connections(self) -> None:
        """Cut every open connection, as a dying server would."""
        for connection in list(self.connections):
            cut(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news; anything else is a fault of this server and fails the test."""
        error = sys.exception()
        if not isinstance(error, ConnectionError):
            self.site.world.note_unknown(f"server error {error!r}")


def cut(connection: socket) -> None:
    """Shut a connection down, whatever its state."""
    try:
        connection.shutdown(SHUT_RDWR)
    except OSError:
        return


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing: the exchange log has it all."""

    @property
    def site(self) -> Site:
        """What all connections share."""
        assert isinstance(self.server, Listener)
        return self.server.site

    def do_GET(self) -> None:
        """Serve a GET."""
        self._serve()

    def do_POST(self) -> None:
        """Serve a POST."""
        self._serve()

    def do_PUT(self) -> None:
        """Serve a PUT."""
        self._serve()

    def _serve(self) -> None:
        request = self._read()
        headers = {name: value for name, value in request.headers.items() if name != "Authorization"}
        exchange = Exchange(self.command, request.path, request.operation, headers, request.body)
        route = find_route(request)
        if route is None or not route.control:
            self.site.log.append(exchange)
        fault = None if route and route.control else self.site.faults.take(str(exchange), request.body)
        answer = self._answer(route, request, fault)
        if answer is None:
            self.close_connection = True
            cut(self.connection)
            return
        exchange.status = answer.status
        self._send(answer)

    def _read(self) -> Request:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionResetError("the client went away in the middle of a request")
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        path = urlsplit(self.path).path
        operation = parse(json.loads(body)["query"]).name if path == "/graphql" else ""
        return Request(self.command, path, operation, dict(self.headers), body)

    def _answer(self, route: Route | None, request: Request, fault: Fault | None) -> Answer | None:
        """The answer, or None to drop the connection without one."""
        if fault is None:
            return self._apply(route, request)
        if fault.kind == "hang":
            fault.cleared.wait()
        if fault.kind == "slow":
            fault.cleared.wait(fault.delay_s)
        if fault.kind in ("drip", "cut"):
            self._drip(fault, self._apply(route, request).body)
            return None
        if fault.kind in ("slow", "drop_after"):
            answer = self._apply(route, request)
            return answer if fault.kind == "slow" else None
        return faulty_answer(fault)

    def _drip(self, fault: Fault, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        for byte in body:
            self.wfile.write(bytes([byte]))
            if fault.kind == "cut" or fault.cleared.wait(1.0):
                return

    def _apply(self, route: Route | None, request: Request) -> Answer:
        site = self.site
        if route is None:
            site.world.note_unknown(f"path {request.method} {request.path}")
            return Answer(404)
        if route.authenticated and not self._authenticated():
            return Answer(401)
        return route.serve(site, request)

    def _authenticated(self) -> bool:
        accepted = {"Basic " + base64.b64encode(f"api:{key}".encode()).decode() for key in self.site.keys}
        return self.headers.get("Authorization", "") in accepted

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)


def faulty_answer(fault: Fault) -> Answer | None:
    """What a fault answers instead of serving; None for a dropped connection."""
    if fault.kind == "graphql_error":
        return Answer.json(errors(fault.message))
    if fault.kind == "ignore":
        return Answer.json({})
    if fault.kind == "status":
        headers = {} if fault.retry_after_s is None else {"Retry-After": retry_after(fault)}
        return Answer.json({"errors": [{"message": fault.message}]}, status=fault.status, headers=headers)
    return None


def retry_after(fault: Fault) -> str:
    """The header's value, in the form the fault asks for."""
    seconds = fault.retry_after_s or 0.0
    return formatdate(time.time() + seconds, usegmt=True) if fault.retry_after_date else f"{seconds:g}"
