"""The engine as the daemon sees it: a process that is asked, given up if it does not answer, and started again."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path

import msgspec

from spanwand.errors import ConfigError, SpanwandError
from spanwand.redact_config import PresidioConfig
from spanwand_sidecar.names.channel import Answer, Asked, receive, send
from spanwand_sidecar.names.texts import Found

START_S = 120.0
"""Longest that a model may take to load."""
_CANARIES = (
    "My name is John Smith and I live in New York.",
    "Maria Garcia flew from London to Paris with Peter Brown.",
    "Anna Schmidt wohnt in Berlin.",
)
_PROVED = {"PERSON", "LOCATION"}
"""What has to be found in these, if it is configured."""
_NOT_INHERITED = ("KEY", "TOKEN", "SECRET", "PASSWORD", "PROXY")
"""Variables of such names: the engine has no use for them (R34)."""


class EngineFailed(SpanwandError):
    """The engine died, was wrong, or said that it failed."""


class Engine:
    """One process at a time. Used from one thread, but for `close`."""

    def __init__(self, command: Sequence[str]) -> None:
        """`command` is what is run; `{}` in it stands for the number of the socket that it answers on."""
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._is_ready = False
        self._started_s = 0.0

    def open(self, timeout_s: float) -> None:
        """Start it and wait until it is ready. Raises EngineFailed with the reason, OSError or TimeoutError."""
        self._start()
        self._wait_ready(time.monotonic() + timeout_s)

    def __call__(self, texts: Sequence[str], timeout_s: float) -> tuple[tuple[Found, ...], ...]:
        """What is in each text. Raises EngineFailed, TimeoutError or OSError; then it is started anew the next time.

        One that still loads its model is not given up for that: it is waited for again.
        """
        finish_by_s = time.monotonic() + timeout_s
        try:
            if self._process is None:
                self._start()
            if not self._is_ready:
                self._wait_ready(finish_by_s)
            send(self._open_channel(), Asked(tuple(texts), timeout_s), finish_by_s)
            return self._receive(finish_by_s).found
        except (OSError, msgspec.MsgspecError):
            if self._is_ready or time.monotonic() > self._started_s + START_S:
                self.close()
            raise

    def close(self) -> None:
        """End the process, whatever it is doing."""
        process, channel = self._process, self._channel
        self._process = self._channel = None
        self._is_ready = False
        if channel:
            channel.close()
        if process:
            process.kill()
            process.wait()

    def _start(self) -> None:
        self.close()
        self._channel, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  # our own module
                [str(theirs.fileno()) if part == "{}" else part for part in self._command],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # whatever a library prints of a text goes nowhere
                stderr=subprocess.DEVNULL,
                env=_environment(),
                start_new_session=True,  # Ctrl-C is for the daemon, which then lets it finish
            )
        self._started_s = time.monotonic()

    def _wait_ready(self, finish_by_s: float) -> None:
        self._receive(finish_by_s)
        self._is_ready = True

    def _receive(self, finish_by_s: float) -> Answer:
        message = receive(self._open_channel(), finish_by_s)
        if not message:
            self.close()
            raise EngineFailed("its process has ended")
        answer = msgspec.msgpack.decode(message, type=Answer)
        if answer.error:
            raise EngineFailed(answer.error)
        return answer

    def _open_channel(self) -> socket.socket:
        if self._channel is None:
            raise EngineFailed("it is closed")
        return self._channel


def check(config: PresidioConfig) -> None:
    """Raises ConfigError for what is not installed. The model is loaded, and tried, by `open_engine`."""
    if not config.model:
        return
    if find_spec("presidio_analyzer") is None:
        raise ConfigError("redact.presidio: presidio-analyzer is not installed: pip install 'spanwand[presidio]'")
    if not Path(config.model).is_dir() and (not config.model.isidentifier() or find_spec(config.model) is None):
        raise ConfigError(
            f"redact.presidio.model: {config.model!a} is no directory and no installed package; it is never downloaded"
        )


def open_engine(config: PresidioConfig) -> Engine:
    """A process with Presidio that has found a name. Raises ConfigError."""
    check(config)
    settings = config.model_dump_json()
    engine = Engine([sys.executable, "-m", "spanwand_sidecar.names.presidio", "{}", settings])
    return proved(engine, config.entities)


def proved(engine: Engine, entities: Iterable[str], timeout_s: float = START_S) -> Engine:
    """Start the engine and try it on made-up people. Raises ConfigError if it cannot start or misses all of a kind."""
    try:
        engine.open(timeout_s)
        found = {entity for finds in engine(_CANARIES, timeout_s) for _, _, entity in finds}
    except (OSError, SpanwandError, msgspec.MsgspecError) as error:
        engine.close()
        raise ConfigError(f"redact.presidio: {str(error) or type(error).__name__}") from None
    if missed := _PROVED.intersection(entities) - found:
        engine.close()
        raise ConfigError(f"redact.presidio: the model finds no {' and no '.join(sorted(missed))} in its self-test")
    return engine


def _environment() -> dict[str, str]:
    return {
        name: value for name, value in os.environ.items() if not any(word in name.upper() for word in _NOT_INHERITED)
    }
