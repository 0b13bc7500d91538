"""A collector that only keeps what it is sent: OTLP over HTTP, protobuf, gzip or not."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def read_body(request: BaseHTTPRequestHandler) -> bytes:
    """The body, of a stated length or in chunks, as SDKs of JavaScript send it."""
    if request.headers["transfer-encoding"] != "chunked":
        return request.rfile.read(int(request.headers["content-length"]))
    chunks: list[bytes] = []
    while size := int(request.rfile.readline(), 16):
        chunks.append(request.rfile.read(size))
        request.rfile.readline()
    request.rfile.readline()
    return b"".join(chunks)


class Capture:
    """Bodies of the traces requests received so far, in order, and where to send them."""

    def __init__(self, port: int) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"
        self.bodies: list[bytes] = []


@contextmanager
def capturing() -> Iterator[Capture]:
    """Serve on a free loopback port for as long as the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = read_body(self)
            if self.path.endswith("/v1/traces"):
                capture.bodies.append(gzip.decompress(body) if self.headers["content-encoding"] == "gzip" else body)
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        capture = Capture(server.server_port)
        thread = threading.Thread(target=server.serve_forever, name="otlp-capture")
        thread.start()
        try:
            yield capture
        finally:
            server.shutdown()
            thread.join()
