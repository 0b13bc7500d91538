"""The admin server: a few GET routes. HTTP/1.0, one short-lived thread a request."""

import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from email.message import Message
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import ClassVar, NamedTuple

from spanwand_sidecar.errors import CannotStart
from spanwand_sidecar.receive.addresses import is_exposed, names_loopback, split_host_port
from spanwand_sidecar.receive.reception import Reception

TEXT = "text/plain; charset=utf-8"
JSON = "application/json"
REQUEST_TIMEOUT_S = 5.0
OPEN = frozenset({"/livez", "/readyz"})
"""Without a token even where one is needed: probes have none, and there is nothing to learn."""


class Answer(NamedTuple):
    """One HTTP answer."""

    body: bytes
    content_type: str = TEXT
    status: int = 200


Route = Callable[[], Answer]


class Control:
    """Serves `routes` by path until `close`."""

    def __init__(self, address: str, routes: Mapping[str, Route], reception: Reception) -> None:
        """Bind. Raises CannotStart if the address is taken."""
        try:
            self._server = _server(address, routes, reception if is_exposed(address) else None)
        except OSError as error:
            why = error.strerror or error
            raise CannotStart(f"admin address {address}: {why}; choose another with --admin") from None
        self._is_closing = False
        self._thread = threading.Thread(target=self._serve, name="admin", daemon=True)

    @property
    def address(self) -> str:
        """`host:port` as bound."""
        host, port = self._server.server_address[:2]
        return f"[{host!s}]:{port}" if ":" in str(host) else f"{host!s}:{port}"

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self._is_closing = True
        if self._thread.is_alive():
            with suppress(OSError):  # the thread waits for a connection
                socket.create_connection(split_host_port(self.address), REQUEST_TIMEOUT_S).close()
            self._thread.join(REQUEST_TIMEOUT_S)
        self._server.server_close()

    def _serve(self) -> None:
        """`serve_forever` would look several times a second whether it is to end."""
        while not self._is_closing:
            self._server.handle_request()


def _server(address: str, routes: Mapping[str, Route], guard: Reception | None) -> ThreadingTCPServer:
    """`guard` has the certificates and tokens of an address that others can reach."""
    host, port = split_host_port(address)

    class Handler(BaseHTTPRequestHandler):
        timeout: ClassVar[float | None] = REQUEST_TIMEOUT_S
        server_version = "spanwand"
        sys_version = ""

        def setup(self) -> None:
            """Shake hands on the connection's own thread, so that a slow peer keeps nobody waiting."""
            if guard and guard.tls:
                self.request.settimeout(self.timeout)
                self.request = guard.tls.context().wrap_socket(self.request, server_side=True)
            super().setup()

        def do_GET(self) -> None:
            """Answer by path."""
            path = self.path.partition("?")[0]
            route = routes.get(path) or (lambda: _no_such_page(routes))
            self._send(_turned_away(guard, path, self.headers) or route())

        def _send(self, answer: Answer) -> None:
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the parent's name for it
            """Probes come every few seconds: nothing is logged."""

    class Server(ThreadingTCPServer):
        address_family: int = socket.AF_INET6 if ":" in host else socket.AF_INET
        allow_reuse_address = True
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that went away is no event."""

    return Server((host, port), Handler)


def _turned_away(guard: Reception | None, path: str, headers: Message) -> Answer | None:
    """Why a request is not answered. On loopback: it names a host that a web page could have (DNS rebinding)."""
    if not guard:
        return None if names_loopback(headers.get("Host", "localhost")) else Answer(b"unknown host\n", status=421)
    if not guard.tokens or path in OPEN or guard.tokens.allow(headers.get("Authorization", "")):
        return None
    return Answer(b"a valid bearer token is needed\n", status=401)


def _no_such_page(routes: Iterable[str]) -> Answer:
    return Answer(f"no such page; there is {' '.join(routes)}\n".encode(), status=404)
