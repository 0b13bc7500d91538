"""The in-process door: `OTEL_TRACES_EXPORTER=wandb` sends an app's spans down the line without a sidecar (P11).

Nothing here may raise into the app, make it wait, or keep it from ending. What that means is in `docs/in-process.md`.
"""

import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from functools import partial

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from spanwand.background import start_thread
from spanwand.before_exit import call_before_exit
from spanwand.errors import ConfigError
from spanwand.in_process import Line
from spanwand.in_process_config import Setup, read_setup
from spanwand.outbox import left_s
from spanwand.pipeline import Pipeline
from spanwand.sinks import open_sink

logger = logging.getLogger(__name__)


class WandbSpanExporter(SpanExporter):
    """Exports spans to W&B runs of this process. Configured by `SPANWAND_…` variables and the file they name.

    The line starts with the first spans: a process that exports none has no line, no run and no files of its own.
    A forked process gets its own line, under its own instance name, and leaves its parent's alone.
    """

    def __init__(self) -> None:
        """Never raises: if it cannot work it says why, once, and exports nothing."""
        self._setup = _setup()
        self._line: Line | None = None
        self._parents_lines: list[Line | None] = []
        self._lock = threading.RLock()
        self._instance_suffix = ""
        self._exit_by_s = float("inf")
        if self._setup:
            call_before_exit(self._finish)
            _call_in_forked_child(self._become_child)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Queue spans; takes microseconds, whatever W&B does. FAILURE: not all of them will come out."""
        try:
            line = self._opened()
            queued = line is not None and line.offer(spans)
        except Exception:
            logger.exception("spanwand: cannot start; nothing more is exported")
            self._setup, queued = None, False
        return SpanExportResult.SUCCESS if queued else SpanExportResult.FAILURE

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Close every open window and trace and wait until all of it is delivered; False if that took too long."""
        line = self._line
        return line is None or line.drain(time.monotonic() + timeout_millis / 1_000)

    def shutdown(self, timeout_millis: float = 30_000) -> None:
        """Deliver what is left and finish the runs, in `exit_timeout_s` at most. Safe to call twice."""
        setup, self._setup = self._setup, None
        if setup:
            timeout_s = min(timeout_millis / 1_000, setup.config.in_process.exit_timeout_s)
            self._close(min(time.monotonic() + timeout_s, self._exit_by_s))

    def _opened(self) -> Line | None:
        with self._lock:
            if self._line is None and self._setup:
                self._line = _line(self._setup, self._instance_suffix)
            return self._line

    def _close(self, deadline_s: float) -> None:
        with self._lock:
            line, self._line = self._line, None
        if line and not line.close(deadline_s):
            logger.warning("spanwand: not everything could be delivered in time")

    def _finish(self) -> None:
        """The app is over: fetch what the SDK still holds, and deliver it while everything still works."""
        if self._setup:
            now_s, timeout_s = time.monotonic(), self._setup.config.in_process.exit_timeout_s
            self._exit_by_s = now_s + timeout_s
            _flush_global_provider(now_s + timeout_s / 2)
            self._close(self._exit_by_s)

    def _become_child(self) -> None:
        """Just forked: the line's threads are not here, and what it holds is the parent's to deliver."""
        self._parents_lines.append(self._line)  # kept, those of all ancestors: their end would close their runs
        self._line = None
        self._lock = threading.RLock()
        self._instance_suffix = str(os.getpid())
        self._exit_by_s = float("inf")
        if self._setup:
            call_before_exit(self._finish)


def _setup() -> Setup | None:
    try:
        return read_setup(os.environ)
    except ConfigError as error:
        logger.error("spanwand: %s; no spans are exported", error)  # noqa: TRY400  # the message is all there is to say
    except Exception:
        logger.exception("spanwand: cannot be set up; no spans are exported")
    return None


def _line(setup: Setup, instance_suffix: str) -> Line:
    """A line whose sinks have directories of their own: other processes, and lines before it, keep theirs."""
    config = setup.config
    directory = setup.directory / "in-process" / f"{os.getpid()}-{time.time_ns()}"
    open_sinks = [partial(open_sink, name, config, directory / name) for name in config.sinks]
    return Line(config.in_process, partial(Pipeline, config, setup.pseudonym_key), open_sinks, instance_suffix)


def _flush_global_provider(deadline_s: float) -> None:
    """Make the SDK export what it holds. On a thread: another exporter of the app may hang in there."""
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        return
    try:
        start_thread("spanwand-flush", provider.force_flush).join(left_s(deadline_s))
    except RuntimeError:  # Python 3.12.0 and 3.12.1 start no thread so late
        provider.force_flush()


def _call_in_forked_child(method: Callable[[], None]) -> None:
    """For as long as the method's object lives."""
    reference = weakref.WeakMethod(method)

    def call() -> None:
        if alive := reference():
            alive()

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=call)
