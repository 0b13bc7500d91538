"""The daemon's log: one line an event, `key=value` or JSON, on standard error.

Whatever a sender wrote is escaped, so that it can neither start a line of its own nor colour a terminal.
"""

import json
import logging
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path

from spanwand_sidecar.config import LogConfig

LOG = logging.getLogger("spanwand")


def start(config: LogConfig) -> None:
    """Send every logger of this process to standard error in the configured format."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter(FORMATS[config.format]))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    LOG.setLevel(config.level.upper())


class LineFormatter(logging.Formatter):
    """A record as one line: time (UTC), level, logger, message, `extra` fields, exception."""

    def __init__(self, render: Callable[[Mapping[str, object]], str]) -> None:
        super().__init__()
        self._render = render

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        fields: dict[str, object] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0]:
            fields["exception"] = where(record.exc_info[1])
        return self._render(fields)


def where(error: BaseException | None) -> str:
    """An exception's type and the way to it, without its text: that may quote what an app has sent."""
    frames = traceback.extract_tb(error.__traceback__ if error else None)
    way = " > ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)
    return f"{type(error).__name__}: {way}"


def as_text(fields: Mapping[str, object]) -> str:
    """`key=value` pairs; a value that is not one plain word is written as a JSON string, ASCII only."""
    return " ".join(f"{key}={_value(str(value))}" for key, value in fields.items())


def _value(text: str) -> str:
    plain = text.isascii() and text.isprintable() and not set(text) & set(' ="\\')
    return text if plain and text else json.dumps(text)


FORMATS: Mapping[str, Callable[[Mapping[str, object]], str]] = {"text": as_text, "json": json.dumps}


class Seldom:
    """Logs the first of a kind at once, then at most one a minute with the number of those kept back."""

    def __init__(self, interval_s: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval_s = interval_s
        self._clock = clock
        self._due_s: dict[str, float] = {}
        self._kept_back: dict[str, int] = {}

    def warning(self, kind: str, message: str, *args: object, exc_info: bool = False) -> None:
        """Log `message` as a warning unless one of the same `kind` was logged within the interval."""
        now = self._clock()
        if now < self._due_s.get(kind, 0.0):
            self._kept_back[kind] = self._kept_back.get(kind, 0) + 1
            return
        self._due_s[kind] = now + self._interval_s
        kept_back = self._kept_back.pop(kind, 0)
        more = f" (and {kept_back} more like it before)" if kept_back else ""
        LOG.warning(message + more, *args, exc_info=exc_info)
