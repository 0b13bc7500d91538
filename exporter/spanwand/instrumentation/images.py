"""Pictures on their way to the sidecar's media channel: encoded and sent by a thread of their own (docs/media.md)."""

import http.client
import io
import logging
import os
import queue
from typing import Any
from urllib.parse import SplitResult, urlsplit

from opentelemetry.trace import Span, format_span_id, format_trace_id

from spanwand.background import start_thread
from spanwand.before_exit import call_before_exit

VARIABLE = "SPANWAND_MEDIA_ENDPOINT"
"""Where pictures go, such as `http://127.0.0.1:4318`. Not set: nowhere."""
MOST_PER_CALL = 4
"""As many as the daemon's `media.max_per_call` takes unless told otherwise."""
_MOST_WAITING = 16
_TIMEOUT_S = 10.0
_SAFE = "http", "https"
_log = logging.getLogger(__name__)


class ImageSender:
    """Takes pictures on any thread and returns once they are copied. What finds no room, or is refused, is logged."""

    def __init__(self, endpoint: str) -> None:
        """Raises ValueError for what is no HTTP address."""
        self._target = urlsplit(endpoint)
        if self._target.scheme not in _SAFE or not self._target.hostname:
            raise ValueError(f"{VARIABLE}: {endpoint!r} is not an address such as http://127.0.0.1:4318")
        self._waiting: queue.Queue[tuple[str, Any]] = queue.Queue(_MOST_WAITING)
        self._process = 0
        self._lost = 0

    def __call__(self, span: Span, index: int, image: Any) -> None:
        """Send a picture of Pillow's that a span's call made, as the one at a place from 0 on."""
        if index >= MOST_PER_CALL:
            return
        if self._process != os.getpid():  # a fork has no threads
            self._process = os.getpid()
            start_thread("spanwand-images", self._send_all)
            call_before_exit(self.flush)
        context = span.get_span_context()
        path = f"/v1/media/{format_trace_id(context.trace_id)}/{format_span_id(context.span_id)}/{index}"
        try:
            self._waiting.put_nowait((path, image.copy()))  # the app may draw on it
        except queue.Full:
            self._lose(f"more than {_MOST_WAITING} pictures wait")

    def flush(self, timeout_s: float = 5.0) -> None:
        """Wait until all of them are sent, or lost."""
        with self._waiting.all_tasks_done:
            self._waiting.all_tasks_done.wait_for(lambda: not self._waiting.unfinished_tasks, timeout_s)

    def _send_all(self) -> None:
        while True:
            path, image = self._waiting.get()
            try:
                self._send(path, _png(image))
            except Exception as error:  # noqa: BLE001  a network, a server and an encoder: all of them may fail anyhow
                self._lose(str(error) or type(error).__name__)
            finally:
                self._waiting.task_done()

    def _send(self, path: str, png: bytes) -> None:
        connection = _connection(self._target)
        try:
            connection.request("PUT", self._target.path.rstrip("/") + path, png, {"content-type": "image/png"})
            answer = connection.getresponse()
            if answer.status != http.client.OK:
                self._lose(f"refused with status {answer.status}")
        finally:
            connection.close()

    def _lose(self, why: str) -> None:
        self._lost += 1
        if self._lost.bit_count() == 1:  # the 1st, 2nd, 4th, 8th, ...
            _log.warning("%d picture(s) did not reach %s: %s", self._lost, self._target.netloc, why)


def _connection(target: SplitResult) -> http.client.HTTPConnection:
    kind = http.client.HTTPSConnection if target.scheme == "https" else http.client.HTTPConnection
    return kind(target.hostname or "", target.port, timeout=_TIMEOUT_S)


def _png(image: Any) -> bytes:
    data = io.BytesIO()
    image.save(data, "PNG", compress_level=1)
    return data.getvalue()
