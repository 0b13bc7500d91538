"""The only wiring: what starts in which order, and stops in reverse within the time it was given."""

import os
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from threading import Event, Thread

import msgspec

from spanwand.batch import Batch
from spanwand.config import LineConfig
from spanwand.pipeline import Pipeline
from spanwand.pseudonym_key import read_or_make
from spanwand_sidecar import endpoints as endpoints_file
from spanwand_sidecar import gpu, grpc_health, health, process
from spanwand_sidecar.commits import Commits
from spanwand_sidecar.config import Config, data_dir
from spanwand_sidecar.control import JSON, Answer, Control, Route
from spanwand_sidecar.deliver import Delivery
from spanwand_sidecar.errors import CannotStart
from spanwand_sidecar.journal import Journal, JournalError
from spanwand_sidecar.log import LOG
from spanwand_sidecar.media_files import MediaFiles
from spanwand_sidecar.names.step import open_names
from spanwand_sidecar.receive import grpc, http
from spanwand_sidecar.receive.bearer import Tokens
from spanwand_sidecar.receive.grpc import GrpcServer
from spanwand_sidecar.receive.http import HttpServer
from spanwand_sidecar.receive.reception import Reception
from spanwand_sidecar.receive.tls import Tls
from spanwand_sidecar.signals import StopSignals
from spanwand_sidecar.sinks import openers
from spanwand_sidecar.status import Endpoints, Parts, Status, is_ready, snapshot
from spanwand_sidecar.worker import Worker

EXIT_MARGIN_S = 1.0
"""Kept of the grace period for closing the journal and for the end of the process itself."""
DOORS_S = 2.0
"""Longest wait for requests in flight."""
DELIVER_SHARE = 0.6
"""Share of the grace period for draining and delivering; the rest is for finishing runs."""


def run(config: Config) -> int:
    """Start, serve until a signal, stop; returns the exit code. Raises SpanwandError if it cannot start."""
    started_s = time.monotonic()
    signals = StopSignals()
    daemon = Daemon(config, started_s)
    daemon.start()
    process.settle()
    signals.wait()
    daemon.stop()
    return 0


class Daemon:
    """All parts, made from the end of the line to its doors. Whatever cannot start undoes what has been opened."""

    def __init__(self, config: Config, started_s: float) -> None:
        """Open files and bind addresses; nothing is received yet. Raises SpanwandError."""
        self._config = config
        self._directory = _make_directory(data_dir(config))
        self._stopping = Event()
        with ExitStack() as undo:
            self._names = open_names(config)
            if self._names:
                undo.callback(self._names.close)
            self._journal = Journal.open(self._directory / "journal", config.journal)
            undo.callback(self._journal.close)
            self._reception = _reception(config, self._journal)
            self._control = Control(config.listen.admin, self._routes(), self._reception)
            undo.callback(self._control.close)
            self._parts = self._open_line(started_s)
            self._doors = self._open_doors(undo)
            undo.pop_all()

    def start(self) -> None:
        """Say where the daemon is, then start the line's threads: senders need not wait for what these find to do."""
        self._control.start()
        status = self._status()
        endpoints_file.write_endpoints(status.endpoints, self._endpoints_paths())
        _say_hello(status)
        for delivery in self._parts.deliveries:
            delivery.start()
        if self._names:
            self._names.start(self._parts.deliveries)
        self._parts.worker.start()
        if self._parts.gpus:
            self._parts.gpus.start()

    def stop(self) -> None:
        """Close the doors, let the line drain, deliver, finish runs; what is left stays in the journal."""
        begun_s = time.monotonic()
        LOG.info("stopping within %.1f s", self._config.grace_s)
        finish_by_s = begun_s + max(self._config.grace_s - EXIT_MARGIN_S, 0.0)
        deliver_by_s = begun_s + DELIVER_SHARE * (finish_by_s - begun_s)
        doors_by_s = begun_s + min(DOORS_S, (finish_by_s - begun_s) / 4)
        self._stopping.set()
        _together([partial(door.stop, doors_by_s - begun_s) for door in self._doors], doors_by_s)
        if self._parts.gpus:
            self._parts.gpus.stop()
        self._drain(deliver_by_s)
        if self._names:
            self._names.finish(deliver_by_s)
        _together([partial(d.finish, deliver_by_s, finish_by_s) for d in self._parts.deliveries], finish_by_s)
        _together([self._control.close, self._journal.close], finish_by_s + EXIT_MARGIN_S / 2)
        endpoints_file.remove_endpoints(self._endpoints_paths())
        self._say_goodbye(time.monotonic() - begun_s)

    def _open_line(self, started_s: float) -> Parts:
        """Sinks, commit record, pipeline; the line goes on where every sink can."""
        config, journal = self._config, self._journal
        sinks = openers(config, self._directory)
        commits = Commits(self._directory / "commits.json", sinks, journal.end, journal.release)
        journal.release(commits.low)
        key = read_or_make(config.redact.pseudonym_key_file, self._directory)
        files = MediaFiles(config.media, journal) if config.media.columns and config.media.allowed_roots else None
        line = Pipeline(_line_config(config), key, files.named if files else None)
        offer = self._names.put if self._names else self._offer
        worker = Worker(journal, line, offer, commits.low, files.passed if files else None)
        return Parts(
            started_s=started_s,
            max_journal_bytes=config.journal.max_bytes,
            remember_s=config.deduplicate.window_s,
            journal=journal,
            commits=commits,
            worker=worker,
            names=self._names,
            gpus=gpu.open_ticker(config.gpu, journal, lambda: worker.waiting),
            deliveries=[Delivery(name, opener, commits, config.deliver) for name, opener in sinks.items()],
            counters=self._reception.counters,
            stopping=self._stopping,
        )

    def _open_doors(self, undo: ExitStack) -> tuple[GrpcServer, HttpServer]:
        listen = self._config.listen
        health_service = grpc_health.register(lambda: is_ready(self._parts))
        grpc_door = grpc.serve(listen.grpc, self._reception, [health_service])
        undo.callback(grpc_door.stop, 0.0)
        return grpc_door, http.serve(listen.http, self._reception)

    def _offer(self, batch: Batch) -> None:
        for delivery in self._parts.deliveries:
            delivery.put(batch)

    def _drain(self, deadline_s: float) -> None:
        try:
            drained = self._parts.worker.drain(max(deadline_s - time.monotonic(), 0.0))
        except JournalError as error:
            LOG.warning("open traces and windows are made again at the next start: %s", error)
            return
        if not drained:
            LOG.warning("the line has not drained in time; the next start goes on where it was")

    def _say_goodbye(self, took_s: float) -> None:
        for delivery in self._parts.deliveries:
            sink = delivery.status()
            left = self._journal.end - self._parts.commits[delivery.name].delivered
            if left > 0:
                why = f" ({sink.why})" if sink.why else ""
                LOG.warning("sink %s%s: %d bytes of journal in %s are left for the next start",
                            delivery.name, why, left, self._directory)  # fmt: skip
        LOG.info("stopped after %.2f s", took_s)

    def _routes(self) -> dict[str, Route]:
        return {
            "/livez": health.live,
            "/readyz": lambda: health.ready(self._status()),
            "/metrics": lambda: health.metrics(self._status()),
            "/status": lambda: Answer(msgspec.json.encode(self._status()), JSON),
        }

    def _status(self) -> Status:
        return snapshot(self._parts, self._endpoints())

    def _endpoints(self) -> Endpoints:
        grpc_door, http_door = self._doors
        return Endpoints(
            pid=os.getpid(),
            grpc=grpc_door.addresses,
            http=http_door.addresses[0],
            admin=self._control.address,
            data_dir=str(self._directory),
        )

    def _endpoints_paths(self) -> list[Path]:
        named = self._config.endpoints_file
        return [self._directory / endpoints_file.NAME, *([Path(named).absolute()] if named else [])]


def _say_hello(status: Status) -> None:
    """Where the daemon is; and why senders must wait, if they must."""
    place = status.endpoints
    where = f"grpc {' '.join(place.grpc)}, http {place.http}, admin {place.admin}, data {place.data_dir}"
    if status.ready:
        LOG.info("ready after %.2f s: %s", status.uptime_s, where)
    else:
        LOG.warning("not ready after %.2f s: %s: %s", status.uptime_s, "; ".join(status.reasons), where)


def _reception(config: Config, journal: Journal) -> Reception:
    return Reception(
        journal,
        config.receive,
        tls=Tls(config.tls) if config.tls.cert_file else None,
        tokens=Tokens(Path(config.auth.token_file).expanduser()) if config.auth.token_file else None,
        media=config.media,
    )


def _together(calls: Iterable[Callable[[], object]], deadline_s: float) -> None:
    """Make all calls at once; one that has not returned by the deadline (monotonic seconds) is left behind."""
    threads = [Thread(target=call, daemon=True) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(deadline_s - time.monotonic(), 0.0))


def _line_config(config: Config) -> LineConfig:
    """What the line remembers of the journal must never fill it."""
    most = min(config.deduplicate.max_journal_bytes, config.journal.max_bytes // 4)
    remembered = config.deduplicate.model_copy(update={"max_journal_bytes": most})
    return config.model_copy(update={"deduplicate": remembered})


def _make_directory(path: Path) -> Path:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CannotStart(f"data directory {path}: {error.strerror}; choose another with --data-dir") from None
    return path
