"""What every sink has to do (`spanwand.ports.Sink`). To add a sink: one entry in `SINKS`."""

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from tests.support.records import KEPT, call, request

from spanwand.batch import Batch, RunKey, RunUpdate
from spanwand.config import LineConfig, WandbConfig
from spanwand.metrics import BATCH
from spanwand.outcomes import Delivered
from spanwand.ports import Sink
from spanwand.rows import generation_row, request_row
from spanwand.sinks import open_sink
from spanwand.sinks.memory import MemorySink
from spanwand.stored.read import read

WINDOW_NS = 10_000_000_000
POINTS = ("llm/requests", "llm/cost_usd")
CONFIG = LineConfig(wandb=WandbConfig(mode="offline"))

History = list[tuple[RunKey, dict[str, float]]]
"""Points of every row of history, in order of writing."""


def jsonl_lines(directory: Path) -> list[dict[str, object]]:
    return [msgspec.json.decode(line) for line in (directory / "batches.jsonl").read_bytes().splitlines()]


def read_jsonl(_: Sink, directory: Path) -> History:
    return [(msgspec.convert(line["run"], RunKey), line["points"]) for line in jsonl_lines(directory)]  # type: ignore[misc]  # decoded JSON


def read_memory(sink: Sink, _: Path) -> History:
    assert isinstance(sink, MemorySink)
    return [(update.run, dict(update.points)) for batch in sink.batches for update in batch.updates]


def read_wandb(_: Sink, directory: Path) -> History:
    """Its runs side by side, in order of batches."""
    steps = [(step[BATCH], run, step) for run in read(directory).runs for step in run.history]
    return [
        (RunKey(group=run.group, job_type=run.job_type, name=run.name), {key: step[key] for key in POINTS})
        for _, run, step in sorted(steps, key=lambda step: (step[0], step[1].name))
    ]


SINKS: dict[str, Callable[[Sink, Path], History]] = {
    "memory": read_memory,
    "jsonl": read_jsonl,
    "wandb": read_wandb,
}
"""Name of a sink -> what reads back what it has written."""


def batch(seq: int, *names: str) -> Batch:
    """A batch with a point and a row per table for each run."""
    rows = {
        "generations": (generation_row(call(), KEPT),),
        "requests": (request_row(request(), KEPT),),
    }
    updates = (
        RunUpdate(
            run=RunKey(group="g", job_type="j", name=name),
            config={"service": name},
            tags=("spanwand",),
            points={"llm/requests": seq, "llm/cost_usd": 0.5},
            rows=rows,
        )
        for name in names
    )
    return Batch(seq=seq, low=0, start_ns=seq * WINDOW_NS, end_ns=(seq + 1) * WINDOW_NS, updates=tuple(updates))


def points(seq: int, name: str) -> tuple[RunKey, dict[str, float]]:
    return RunKey(group="g", job_type="j", name=name), {"llm/requests": seq, "llm/cost_usd": 0.5}


class Opened:
    """A sink and what reads it back; it can be closed and opened again."""

    def __init__(self, name: str, directory: Path) -> None:
        self.name, self.directory = name, directory
        self.sink = open_sink(name, CONFIG, directory)

    def reopen(self) -> None:
        self.sink.close(10)
        if self.name != "memory":
            self.sink = open_sink(self.name, CONFIG, self.directory)

    def history(self) -> History:
        return SINKS[self.name](self.sink, self.directory)


@pytest.fixture(params=SINKS)
def opened(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opened]:
    monkeypatch.setenv("WANDB_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("WANDB_CACHE_DIR", str(tmp_path / "cache"))
    opened = Opened(request.param, tmp_path / "sink")
    yield opened
    opened.sink.close(10)


def test_what_is_delivered_can_be_read_back(opened: Opened) -> None:
    assert opened.sink.write(batch(1, "a", "b")) == Delivered()
    assert opened.sink.write(batch(2, "a")) == Delivered()
    opened.sink.close(10)
    assert opened.history() == [points(1, "a"), points(1, "b"), points(2, "a")]


def test_a_batch_that_comes_again_is_delivered_once(opened: Opened) -> None:
    """R20."""
    for seq in (1, 1, 2, 1):
        assert opened.sink.write(batch(seq, "a")) == Delivered()
    opened.sink.close(10)
    assert opened.history() == [points(1, "a"), points(2, "a")]


def test_a_batch_that_comes_again_after_a_restart_is_delivered_once(opened: Opened) -> None:
    """P2: a replay starts before what is written."""
    opened.sink.write(batch(1, "a", "b"))
    opened.reopen()
    for seq in (1, 2):
        assert opened.sink.write(batch(seq, "a", "b")) == Delivered()
    opened.sink.close(10)
    assert opened.history() == [points(1, "a"), points(1, "b"), points(2, "a"), points(2, "b")]


def test_an_empty_batch_is_delivered(opened: Opened) -> None:
    assert opened.sink.write(batch(1)) == Delivered()


def test_closing_twice_is_harmless(opened: Opened) -> None:
    opened.sink.close(10)
    opened.sink.close(10)
