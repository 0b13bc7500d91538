"""The admin server: a few GET routes on a loopback port. HTTP/1.0, one short-lived thread a request."""

import socket
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import ClassVar, NamedTuple

from spanwand_sidecar.errors import CannotStart
from spanwand_sidecar.receive.addresses import is_loopback, split_host_port

TEXT = "text/plain; charset=utf-8"
JSON = "application/json"
REQUEST_TIMEOUT_S = 5.0
POLL_S = 0.25


class Answer(NamedTuple):
    """One HTTP answer."""

    body: bytes
    content_type: str = TEXT
    status: int = 200


Route = Callable[[], Answer]


class Control:
    """Serves `routes` by path until `close`."""

    def __init__(self, address: str, routes: Mapping[str, Route]) -> None:
        """Bind. Raises CannotStart if the address is taken."""
        try:
            self._server = _server(address, routes)
        except OSError as error:
            raise CannotStart(f"admin address {address}: {error.strerror or error}") from None
        self._thread = threading.Thread(target=self._server.serve_forever, args=(POLL_S,), name="admin", daemon=True)

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
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()


def _server(address: str, routes: Mapping[str, Route]) -> ThreadingTCPServer:
    host, port = split_host_port(address)

    class Handler(BaseHTTPRequestHandler):
        timeout: ClassVar[float | None] = REQUEST_TIMEOUT_S
        server_version = "spanwand"
        sys_version = ""

        def do_GET(self) -> None:
            """Answer by path. A name that a web page's host could have is refused (DNS rebinding)."""
            route = routes.get(self.path.partition("?")[0])
            if not _names_this_machine(self.headers.get("Host", "")):
                self._send(Answer(b"unknown host\n", status=421))
            elif route is None:
                self._send(Answer(f"no such page; there is {' '.join(routes)}\n".encode(), status=404))
            else:
                self._send(route())

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


def _names_this_machine(host: str) -> bool:
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    return not host or is_loopback(name.removeprefix("[").removesuffix("]"))
