"""The server as tests use it: in-process, on a loopback port of its own."""

import threading
from typing import Any, Self

from tests.support.wandb_server.artifacts import Artifacts
from tests.support.wandb_server.control import problems
from tests.support.wandb_server.faults import Faults
from tests.support.wandb_server.front import Exchange, Listener, Site
from tests.support.wandb_server.runs import Run
from tests.support.wandb_server.tables import Table, read_tables
from tests.support.wandb_server.world import World

API_KEY = "0123456789abcdef" * 3
"""A key the server accepts; the SDK wants 40 characters or more."""


class WandbServer:
    """`with WandbServer() as server:` serves on `server.url`. `down()` and `up()` keep the port.

    With `up=False` the port is bound, so nobody else gets it, but connections are refused until `up()`.
    """

    def __init__(self, *, entity: str = "team", keys: tuple[str, ...] = (API_KEY,), up: bool = True) -> None:
        self.world = World(entity)
        self.faults = Faults()
        self.keys = set(keys)
        self._site = Site(self.world, self.faults, self.keys)
        self._listener = Listener(0, self._site)
        self._thread: threading.Thread | None = None
        self.port = self._listener.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        self.world.blobs.base_url = self.url
        if up:
            self.up()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def up(self) -> None:
        """Begin, or begin again, to serve."""
        self._listener.server_activate()
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def down(self) -> None:
        """Refuse connections and cut those that are open. What is stored stays."""
        self._stop()
        self._listener = Listener(self.port, self._site)

    def close(self) -> None:
        """Let the port go."""
        self.faults.clear()
        self._stop()

    def _stop(self) -> None:
        if self._thread:
            self._listener.shutdown()
            self._thread.join()
            self._thread = None
        self._listener.server_close()
        self._listener.drop_connections()

    @property
    def requests(self) -> list[Exchange]:
        """Every request so far, in the order of arrival."""
        return list(self._site.log)

    @property
    def operations(self) -> list[str]:
        """The GraphQL operations so far, in the order of arrival."""
        return [exchange.operation for exchange in self.requests if exchange.operation]

    @property
    def artifacts(self) -> Artifacts:
        """All artifacts."""
        return self.world.artifacts

    @property
    def unknown(self) -> list[str]:
        """Operations, fields and paths that were asked for and that the server has not got."""
        return list(self.world.unknown)

    def problems(self) -> list[str]:
        """What shows a fault of the client or a gap of this server. Assert that it is empty."""
        return problems(self._site)

    @property
    def runs(self) -> list[Run]:
        """All runs, oldest first."""
        with self.world.lock:
            return list(self.world.runs.values())

    def run(self, name: str) -> Run:
        """The one run with this ID or displayed name."""
        (found,) = [run for run in self.runs if name in (run.name, run.display_name)]
        return found

    def history(self, run: Run | str) -> list[dict[str, Any]]:
        """A run's history rows in order, without the keys the SDK adds (`_step`, `_timestamp`, `_runtime`)."""
        with self.world.lock:
            rows = self._run(run).history()
        return [{key: value for key, value in row.items() if not key.startswith("_")} for row in rows]

    def summary(self, run: Run | str) -> dict[str, Any]:
        """A run's summary, without the keys the SDK adds."""
        return {key: value for key, value in self._run(run).summary.items() if not key.startswith("_")}

    def config(self, run: Run | str) -> dict[str, Any]:
        """A run's config as the user set it."""
        return self._run(run).config

    def tables(self, run: Run | str) -> dict[str, Table]:
        """A run's Tables by key, read from its committed artifacts."""
        with self.world.lock:
            return read_tables(self.artifacts, self._run(run).name)

    def run_files(self, run: Run | str) -> dict[str, bytes]:
        """The files uploaded to a run, by name."""
        run = self._run(run)
        prefix = f"/storage/runs/{run.entity}/{run.project}/{run.name}/"
        stored = self.world.blobs.contents.items()
        return {path.removeprefix(prefix): body for path, body in stored if path.startswith(prefix)}

    def _run(self, run: Run | str) -> Run:
        return self.run(run) if isinstance(run, str) else run
