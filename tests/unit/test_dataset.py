"""A run's dataset on disk: its partitions as they are written, and `spanwand export` of them (P8, ADR 0030)."""

import gzip
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from spanwand.batch import RunKey
from spanwand.sinks.wandb import partitions
from spanwand.sinks.wandb.partitions import Partitions
from spanwand.stored.dataset import NAME, Dataset
from spanwand.stored.run import Increment
from spanwand.tables import SCHEMA_VERSION
from spanwand_sidecar.commands.export import export

Row = Mapping[str, Any]
REQUEST = ("trace_id", "revision", "sample_weight", "start_time")


def written(folder: Path, run_id: str, increments: Iterable[Increment], table: str = "requests") -> Dataset:
    """A dataset in `folder` with these rows."""
    folder.mkdir(parents=True)
    made = Partitions(folder)
    for increment in increments:
        made.add(table, increment)
    key = RunKey(group="g", job_type="j", name="n")
    told = Dataset(tables_version=SCHEMA_VERSION, run_id=run_id, run=key, tables=made.tables)
    (folder / NAME).write_bytes(msgspec.json.encode(told))
    return told


def requests(window_end_s: float, *rows: tuple[Any, ...]) -> Increment:
    return Increment(window_end_s, list(REQUEST), [list(row) for row in rows])


def run(path: Path, table: str = "requests") -> Result:
    return CliRunner().invoke(export, [str(path), "--table", table, "--format", "jsonl", "--output", "-"])


def found(result: Result) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    return [{name: cell for name, cell in row.items() if cell is not None} for row in rows]


def test_it_tells_what_is_in_it(tmp_path: Path) -> None:
    """P7: rows that amend others stand for nothing more."""
    rows = [("a", 1, 2.0, "2026-01-01T10"), ("b", 1, None, "2026-01-01T09"), ("a", 2, 2.0, "2026-01-01T10")]
    told = written(tmp_path / "x", "one", [requests(10.0, *rows[:2]), requests(20.0, rows[2]), requests(30.0)])
    table = told.tables["requests"]
    assert (table.rows, table.revised, table.weight) == (3, 1, 3.0)
    assert (table.first_time, table.last_time) == ("2026-01-01T09", "2026-01-01T10")
    assert table.columns == {"trace_id": "str", "revision": "int", "sample_weight": "float", "start_time": "str"}
    assert [part.increments for part in table.partitions] == [[(10.0, 2), (20.0, 1)]]


def test_files_are_bounded_and_plain_gzip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is several members, which any reader takes for one file."""
    monkeypatch.setattr(partitions, "PARTITION_BYTES", 100)
    told = written(tmp_path / "x", "one", (requests(n, (f"{n}", 1, 1.0, None)) for n in range(6)))
    paths = [part.path for part in told.tables["requests"].partitions]
    assert paths == ["requests/00001.jsonl.gz", "requests/00002.jsonl.gz", "requests/00003.jsonl.gz"]
    lines = [gzip.decompress((tmp_path / "x" / path).read_bytes()).splitlines() for path in paths]
    assert [[json.loads(line)["trace_id"] for line in file] for file in lines] == [["0", "1"], ["2", "3"], ["4", "5"]]
    assert [each["trace_id"] for each in found(run(tmp_path / "x"))] == list("012345")


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    for name in "xy":
        written(tmp_path / name, "one", [requests(1.0, ("a", 1, 1.0, None))])
    x, y = ({path.name: path.read_bytes() for path in (tmp_path / name).rglob("*.*")} for name in "xy")
    assert x == y


@pytest.mark.parametrize(
    ("cell", "exported"),
    [("\ud800\u00e9", "?\u00e9"), (None, None), (2**70, f"{2**70}"), ("a\nb", "a\nb"), (float("nan"), None)],
)
def test_a_cell_that_json_cannot_say_takes_no_row_with_it(tmp_path: Path, cell: object, exported: object) -> None:
    written(tmp_path / "x", "one", [requests(1.0, (cell, 1, 1.0, None)), requests(2.0, ("b", 1, 1.0, None))])
    first, second = found(run(tmp_path / "x"))
    assert (first.get("trace_id"), second["trace_id"]) == (exported, "b")


def test_amended_requests_are_there_once_over_datasets_that_lie_side_by_side(tmp_path: Path) -> None:
    """As in an export of the runs themselves: the last row with the lowest weight, and in the order of time."""
    written(tmp_path / "z", "one", [requests(10.0, ("a", 1, 1.0, None), ("b", 1, 4.0, None))])
    written(tmp_path / "a", "two", [requests(20.0, ("a", 2, 4.0, None))])
    assert found(run(tmp_path)) == [
        {"trace_id": "b", "revision": 1, "sample_weight": 4.0},
        {"trace_id": "a", "revision": 2, "sample_weight": 1.0},
    ]


def test_two_versions_of_one_dataset_are_one(tmp_path: Path) -> None:
    rows = [requests(10.0, ("a", 1, 1.0, None)), requests(20.0, ("b", 1, 1.0, None))]
    written(tmp_path / "v1", "one", rows)
    written(tmp_path / "v0", "one", rows[:1])
    assert [each["trace_id"] for each in found(run(tmp_path))] == ["a", "b"]


def remove(file: Path) -> None:
    file.unlink()


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-9])


def scramble(file: Path) -> None:
    file.write_bytes(b"no gzip at all")


def replace(file: Path) -> None:
    file.write_bytes(gzip.compress(b'{"trace_id":"a"}\n{"trace\n'))


@pytest.mark.parametrize(
    ("damage", "said"), [(remove, "missing"), (cut, "damaged"), (scramble, "damaged"), (replace, "damaged")]
)
def test_what_is_missing_or_damaged_is_told(tmp_path: Path, damage: Callable[[Path], None], said: str) -> None:
    written(tmp_path / "x", "one", [requests(n, (f"{n}", 1, 1.0, None)) for n in range(2)])
    damage(tmp_path / "x" / "requests" / "00001.jsonl.gz")
    result = run(tmp_path / "x")
    assert (result.exit_code, f"requests/00001.jsonl.gz is {said}" in result.stderr) == (1, True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": 2}, "is version 2; this reads version 1"),
        ({"tables": 7}, "does not tell of a dataset"),
        (
            {"tables": {"requests": {"columns": {}, "partitions": [{"path": "../y.gz"}]}}},
            "a file outside of its folder",
        ),
    ],
)
def test_what_is_no_dataset_is_refused(tmp_path: Path, change: Mapping[str, object], said: str) -> None:
    """What was downloaded from somewhere can be anything."""
    written(tmp_path / "x", "one", [requests(1.0, ("a", 1, 1.0, None))])
    told = json.loads((tmp_path / "x" / NAME).read_text())
    (tmp_path / "x" / NAME).write_text(json.dumps({**told, **change}))
    result = run(tmp_path / "x")
    assert (result.exit_code, said in result.stderr) == (2, True), result.stderr


def test_a_table_without_rows_is_empty(tmp_path: Path) -> None:
    written(tmp_path / "x", "one", [requests(1.0, ("a", 1, 1.0, None))])
    assert (run(tmp_path / "x", "feedback").exit_code, found(run(tmp_path / "x", "feedback"))) == (0, [])
