"""Batches with known content, a sink to write them with, and whether the server then has each of them once."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from spanwand.batch import Alert, Batch, RunKey, RunUpdate
from spanwand.config import WandbConfig
from spanwand.tables import TABLES, Type
from tests.support.sink_process import SinkProcess
from tests.support.wandb_server import API_KEY, Fault, WandbServer
from tests.support.wandb_server.environment import environment

API = RunKey(group="shop@prod", job_type="api", name="api-1")
ARM = RunKey(group="shorter-prompts", job_type="b", name="api-2/b")
HEALTH = RunKey(group="spanwand", job_type="spanwand", name="spanwand")
INIT_TIMEOUT_S = 2.0

ALERT = Alert(title="error_rate above 0.1", text="shop@prod: é", level="ERROR", figure="error_rate", value=0.5)

Points = dict[str, float | int]


def row(table: str, number: int) -> tuple[object, ...]:
    """A row whose cells have the types of the columns; every fourth cell is empty."""
    cells = {Type.TEXT: f'line {number}\n"é"', Type.WHOLE: number, Type.NUMBER: number + 0.25}
    return tuple(
        None if index and (index + number) % 4 == 0 else cells[column.type]
        for index, column in enumerate(TABLES[table])
    )


def points(number: int) -> Points:
    return {"llm/requests": number, "llm/cost_usd": number / 8, "llm/latency_s/p50": number / 4}


def update(key: RunKey, number: int, rows: int) -> RunUpdate:
    return RunUpdate(
        run=key,
        config={"service": key.name, "environment": "prod", "replica": 3},
        tags=("prod", key.name, "spanwand"),
        points=points(number),
        rows={table: tuple(row(table, number * 10 + index) for index in range(rows)) for table in TABLES},
    )


def batch(number: int, *, rows: int = 0, keys: tuple[RunKey, ...] = (API, ARM)) -> Batch:
    """The batch of window `number`, with `rows` rows in every table of every run."""
    start_ns = (1_700_000_000 + number * 10) * 10**9
    updates = tuple(update(key, number, rows) for key in keys)
    return Batch(seq=number * 512, low=0, start_ns=start_ns, end_ns=start_ns + 10**10, updates=updates)


def with_alerts(batch: Batch, *keys: RunKey) -> Batch:
    """The batch, with `ALERT` about these runs."""
    told = (msgspec.structs.replace(each, alerts=(ALERT,) * (each.run in keys)) for each in batch.updates)
    return msgspec.structs.replace(batch, updates=tuple(told))


def expected_points(*numbers: int) -> list[Points]:
    """The history rows of these batches' points."""
    axes = ({"spanwand/window_end": 1_700_000_010 + n * 10, "spanwand/batch": n * 512} for n in numbers)
    return [{**points(n), **axis} for n, axis in zip(numbers, axes, strict=True)]


def point_rows(server: WandbServer, key: RunKey) -> list[Points]:
    """The history rows that hold points, over all runs of a run key."""
    runs = [run for run in server.runs if run.display_name == key.name]
    rows = [row for run in runs for row in server.history(run)]
    return [row for row in rows if not TABLES.keys() & row.keys()]


def table_rows(server: WandbServer, key: RunKey, table: str) -> list[tuple[object, ...]]:
    """The rows of a table, over all runs of a run key."""
    runs = [run for run in server.runs if run.display_name == key.name]
    tables = [server.tables(run).get(table) for run in runs]
    return [tuple(row) for found in tables if found for row in found.rows]


def assert_exactly_once(server: WandbServer, written: dict[int, int], keys: tuple[RunKey, ...] = (API, ARM)) -> None:
    """Every point and row of the batches `written` (number: rows) is there once, in order, and nothing else."""
    for key in keys:
        assert point_rows(server, key) == expected_points(*written)
        for table in TABLES:
            rows = [row(table, number * 10 + index) for number, count in written.items() for index in range(count)]
            assert table_rows(server, key, table) == rows
    assert server.problems() == []


def sink(server: WandbServer, folder: Path, images: int = 0, **config: float) -> SinkProcess:
    """A sink below `folder`/wandb that knows `server` and the right key."""
    settings = WandbConfig.model_validate({"init_timeout_s": INIT_TIMEOUT_S, **config})
    return SinkProcess(environment(server.url, folder / "home"), folder / "wandb", settings, images)


Change = Callable[[WandbServer], object]


def hang(server: WandbServer) -> None:
    server.up()
    server.faults.add(Fault("POST /graphql *", "hang"))


def refuse_the_key(server: WandbServer) -> None:
    server.up()
    server.keys.clear()


ABSENT: dict[str, tuple[Change, Change, str]] = {
    "wrong key": (refuse_the_key, lambda server: server.keys.add(API_KEY), "key"),
    "unreachable": (lambda server: None, WandbServer.up, "did not answer in time"),
    "hanging": (hang, lambda server: server.faults.clear(), "did not answer in time"),
}
"""How W&B is absent when the first batch comes, how it comes back, and what the reason has to say meanwhile."""
