"""The last step before the sinks, on a thread of its own: neither the line nor a receiver waits for an engine."""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Protocol

from msgspec.structs import replace

from spanwand.batch import Batch
from spanwand.config import LineConfig
from spanwand.drops import DropReason, Drops
from spanwand.tables import layout
from spanwand_sidecar.log import LOG
from spanwand_sidecar.names.engine import Engine, open_engine
from spanwand_sidecar.names.rows import CleanRows


class Taker(Protocol):
    """Who takes batches: a `Delivery`."""

    def wants(self, batch: Batch) -> bool:
        """Whether it does not have this one yet."""
        ...

    def put(self, batch: Batch) -> None:
        """Take it; may block."""
        ...


class Names:
    """Passes batches on without names, in their order, each looked through once for all who take it."""

    def __init__(self, engine: Engine, rows: CleanRows) -> None:
        self._engine = engine
        self._rows = rows
        self._takers: Sequence[Taker] = ()
        self._queue: queue.Queue[Batch | None] = queue.Queue(1)
        self._given_up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="names", daemon=True)

    def start(self, takers: Sequence[Taker]) -> None:
        """Begin."""
        self._takers = takers
        self._thread.start()

    def put(self, batch: Batch) -> None:
        """Queue a batch; waits while another one is waiting."""
        self._queue.put(batch)

    def finish(self, finish_by_s: float) -> None:
        """Pass on what is queued until then (monotonic seconds); what is left is made again at the next start."""
        with suppress(queue.Full):
            self._queue.put(None, timeout=max(finish_by_s - time.monotonic(), 0.0))
        self._thread.join(max(finish_by_s - time.monotonic(), 0.0))
        self._given_up.set()

    def close(self) -> None:
        """End the engine of a step that was not started."""
        self._engine.close()

    @property
    def drops(self) -> Drops:
        """Rows that lost their texts, since the start."""
        return self._rows.drops

    def _run(self) -> None:
        while batch := self._queue.get():
            if any(taker.wants(batch) for taker in self._takers):
                clean = self._clean(batch)
                if self._given_up.is_set():
                    break
                for taker in self._takers:
                    taker.put(clean)
        self._engine.close()

    def _clean(self, batch: Batch) -> Batch:
        """A bug must not stop the line, nor let anything leave that was not looked through."""
        try:
            return self._rows(batch)
        except Exception as error:  # noqa: BLE001  whatever it is; its text may be what was said
            why = type(error).__name__
            LOG.warning("no names could be looked for in the batch %d, its rows are gone: %s", batch.seq, why)
            self.drops[DropReason.REDACTION_FAILED] += sum(len(rows) for u in batch.updates for rows in u.rows.values())
            return replace(batch, updates=tuple(replace(update, rows={}) for update in batch.updates))


def clean_rows(engine: Engine, config: LineConfig) -> CleanRows:
    """What makes the batches of a line with this configuration clean."""
    has_links = bool(config.tables.trace_url)
    tables = layout(config.gather.request_attributes, config.media.columns, has_links=has_links)
    return CleanRows(engine, tables, config.redact.presidio)


def open_names(config: LineConfig) -> Names | None:
    """The step, its model loaded and tried; None if it is off. Raises ConfigError."""
    if not config.redact.presidio.model:
        return None
    engine = open_engine(config.redact.presidio)
    return Names(engine, clean_rows(engine, config))


@contextmanager
def without_names(config: LineConfig) -> Iterator[Callable[[Batch], Batch]]:
    """What makes batches clean as the step does, for who has no threads. Raises ConfigError."""
    if not config.redact.presidio.model:
        yield lambda batch: batch
        return
    engine = open_engine(config.redact.presidio)
    try:
        yield clean_rows(engine, config)
    finally:
        engine.close()
