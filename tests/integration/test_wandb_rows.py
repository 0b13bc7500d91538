"""Design 8, R22, P10: rows go through wandb one at a time, whatever it would do with them all."""

import json
import tracemalloc
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.support.offline import OFFLINE, REQUESTS, batch, row

from spanwand.batch import Batch
from spanwand.outcomes import Delivered
from spanwand.sinks.wandb.sink import WandbSink
from spanwand.stored.read import read

COUNT, LONG = 60, 100_000
NAME = [column.name for column in REQUESTS].index("name")


class MadeRows(Sequence[tuple[object, ...]]):
    """Rows that are made whenever they are looked at, with a long text in each."""

    def __init__(self, numbers: range) -> None:
        self._numbers = numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, place: Any) -> Any:
        found = self._numbers[place]
        return MadeRows(found) if isinstance(place, slice) else long_row(found)


def long_row(number: int) -> tuple[object, ...]:
    cells = list(row(number))
    cells[NAME] = f"{number} {'x' * LONG}"
    return tuple(cells)


def numbers(rows: Sequence[Sequence[Any]]) -> list[int]:
    """Those of the long rows."""
    return [int(cells[NAME].partition(" ")[0]) for cells in rows if len(cells[NAME]) > LONG]


@pytest.fixture
def sink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WandbSink]:
    monkeypatch.setenv("WANDB_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("WANDB_CACHE_DIR", str(tmp_path / "cache"))
    sink = WandbSink(OFFLINE, tmp_path / "sink")
    yield sink
    sink.close(10)


def with_long_rows(sent: Batch) -> Batch:
    return replace(
        sent, updates=tuple(replace(each, rows={"requests": MadeRows(range(COUNT))}) for each in sent.updates)
    )


def test_rows_are_there_one_at_a_time(sink: WandbSink, tmp_path: Path) -> None:
    """Neither rows nor text: a few of each table's, of sixty."""
    assert sink.write(batch(2, ["one"])) == Delivered()
    tracemalloc.start()
    try:
        assert sink.write(with_long_rows(batch(4, ["one"]))) == Delivered()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak / LONG < COUNT / 4
    sink.close(10)
    [run] = read(tmp_path / "sink").runs
    assert numbers(run.tables["requests"].rows) == [*range(COUNT)]
    [copy] = [path for path in tmp_path.rglob("media/table/*.json") if path.stat().st_size > LONG]
    told = json.loads(copy.read_text())
    assert told["columns"] == [column.name for column in REQUESTS]
    assert numbers(told["data"]) == [*range(COUNT)]
