"""`spanwand export`: all rows of a table in one file, typed, each once (P8, E3)."""

import csv
import importlib
import json
import math
import os
import stat
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from spanwand.batch import Batch, RunKey, RunUpdate
from spanwand.config import GatherConfig, LineConfig
from spanwand.sinks.jsonl import open_sink
from spanwand.stored.cells import fit
from spanwand.tables import TABLES, Type, columns
from spanwand_sidecar.commands.export import export
from spanwand_sidecar.row_files import FORMATS

parquet: Any = importlib.import_module("pyarrow.parquet")
CONFIG = LineConfig(gather=GatherConfig(request_attributes=("comic.id",)))
Cells = Mapping[str, object]


def row(table: str, cells: Cells) -> tuple[object, ...]:
    return tuple(cells.get(column.name) for column in columns(table, ("comic.id",)))


def update(run: str, rows: Mapping[str, Iterable[Cells]]) -> RunUpdate:
    made = {table: tuple(row(table, cells) for cells in some) for table, some in rows.items()}
    return RunUpdate(run=RunKey(group="g", job_type="j", name=run), config={}, points={}, rows=made)


def write(home: Path, *batches: Mapping[str, Mapping[str, Iterable[Cells]]]) -> Path:
    """A data directory with batches of the `jsonl` sink: rows by run and table."""
    sink = open_sink(CONFIG, home / "jsonl")
    for number, runs in enumerate(batches, 1):
        updates = tuple(update(run, rows) for run, rows in runs.items())
        sink.write(Batch(seq=number, low=0, start_ns=number * 10**10, end_ns=(number + 1) * 10**10, updates=updates))
    sink.close(0)
    return home


def run(*arguments: object) -> Result:
    return CliRunner().invoke(export, [str(argument) for argument in arguments])


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


CALLS = [
    {"trace_id": "a", "model": "m", "latency_s": 0.5, "input_tokens": 3, "comic.id": "7"},
    {"trace_id": "b", "input": '=HYPERLINK("http://evil")', "latency_s": -1.0, "output": 'say "hi",\n\u00e9 \x00'},
]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return write(tmp_path / "data", {"one": {"generations": CALLS[:1]}, "two": {"generations": CALLS[1:]}})


def test_jsonl_has_every_column_of_every_row(home: Path, tmp_path: Path) -> None:
    result = run(home, "--output", tmp_path / "calls.jsonl")
    assert (result.exit_code, result.stderr) == (0, f"2 rows of generations in {tmp_path / 'calls.jsonl'}\n")
    names = [column.name for column in columns("generations", ("comic.id",))]
    found = lines(tmp_path / "calls.jsonl")
    assert [list(each) for each in found] == [names, names]
    assert [{name: cell for name, cell in each.items() if cell is not None} for each in found] == CALLS


def test_csv_reads_back_and_holds_no_formula(home: Path, tmp_path: Path) -> None:
    """Opened in a spreadsheet, a prompt must not run."""
    assert run(home, "--output", tmp_path / "calls.csv").exit_code == 0
    with (tmp_path / "calls.csv").open(newline="", encoding="utf-8") as file:
        first, second = csv.DictReader(file)
    assert (first["latency_s"], first["input_tokens"], first["comic.id"], first["input"]) == ("0.5", "3", "7", "")
    assert second["input"] == "'" + str(CALLS[1]["input"])
    assert (second["output"], second["latency_s"]) == (CALLS[1]["output"], "-1.0")


def test_parquet_is_typed(home: Path, tmp_path: Path) -> None:
    assert run(home, "--output", tmp_path / "calls.parquet").exit_code == 0
    table = parquet.read_table(tmp_path / "calls.parquet")
    kinds = {Type.TEXT: "string", Type.WHOLE: "int64", Type.NUMBER: "double"}
    wanted = {column.name: kinds[column.type] for column in columns("generations", ("comic.id",))}
    assert {field.name: str(field.type) for field in table.schema} == wanted
    assert table.column("input_tokens").to_pylist() == [3, None]
    assert table.column("output").to_pylist() == [None, CALLS[1]["output"]]


@pytest.mark.parametrize("form", FORMATS)
def test_no_rows_are_an_empty_file_with_its_columns(home: Path, tmp_path: Path, form: str) -> None:
    output = tmp_path / "feedback"
    assert run(home, "--table", "feedback", "--format", form, "--output", output).exit_code == 0
    names = [column.name for column in TABLES["feedback"]]
    if form == "parquet":
        table = parquet.read_table(output)
        assert (table.column_names, table.num_rows) == (names, 0)
    else:
        assert output.read_bytes() == (b"" if form == "jsonl" else ",".join(names).encode() + b"\r\n")


def request(trace: str, revision: int, generations: int) -> Cells:
    return {"trace_id": trace, "revision": revision, "generations": generations}


def test_only_the_last_revision_of_a_request_is_there(tmp_path: Path) -> None:
    """Also if it went to another run. A trace that went on after it was forgotten has two requests: both stay."""
    home = write(
        tmp_path / "data",
        {"z": {"requests": [request("plain", 1, 1), request("moved", 1, 1), request("again", 1, 1)]}},
        {"a": {"requests": [request("moved", 2, 3), request("again", 2, 2)]}},
        {"z": {"requests": [request("moved", 3, 4), request("again", 1, 5)]}},
        {"z": {"requests": [request("again", 2, 6), request("unseen", 2, 9)]}},
    )
    assert run(home, "--table", "requests", "--output", tmp_path / "r.jsonl").exit_code == 0
    found = sorted((each["trace_id"], each["generations"]) for each in lines(tmp_path / "r.jsonl"))
    assert found == [("again", 2), ("again", 6), ("moved", 4), ("plain", 1), ("unseen", 9)]


def test_of_an_amended_request_the_lowest_weight_holds(tmp_path: Path) -> None:
    """P7: as `spanwand read` has it; any of its rows is kept with the highest of their probabilities."""

    def weighed(trace: str, revision: int, weight: float) -> Cells:
        return {**request(trace, revision, 1), "sample_weight": weight}

    home = write(
        tmp_path / "data",
        {"z": {"requests": [weighed("slow", 1, 10.0), weighed("plain", 1, 10.0), weighed("first", 1, 1.0)]}},
        {"z": {"requests": [weighed("slow", 2, 1.0), weighed("first", 2, 10.0)]}},
        {"z": {"requests": [weighed("slow", 3, 10.0), weighed("plain", 1, 4.0)]}},
    )
    assert run(home, "--table", "requests", "--output", tmp_path / "r.jsonl").exit_code == 0
    found = sorted((each["trace_id"], each["revision"], each["sample_weight"]) for each in lines(tmp_path / "r.jsonl"))
    assert found == [("first", 2, 1.0), ("plain", 1, 4.0), ("plain", 1, 10.0), ("slow", 3, 1.0)]


def test_the_same_trace_in_two_data_directories_is_two_requests(tmp_path: Path) -> None:
    """Replicas that each saw a part of it."""
    write(tmp_path / "x" / "one", {"r": {"requests": [request("t", 1, 1)]}}, {"r": {"requests": [request("t", 2, 2)]}})
    write(tmp_path / "x" / "two", {"r": {"requests": [request("t", 1, 5)]}})
    assert run(tmp_path / "x", "--table", "requests", "--output", tmp_path / "r.jsonl").exit_code == 0
    assert [each["generations"] for each in lines(tmp_path / "r.jsonl")] == [2, 5]


def test_a_column_that_is_newer_than_some_rows_is_empty_in_these(tmp_path: Path) -> None:
    home = write(tmp_path / "data", {"one": {"generations": CALLS}})
    path = home / "jsonl" / "batches.jsonl"
    line = json.loads(path.read_text())
    for each in line["rows"]["generations"]:
        del each["counted_by"], each["comic.id"]
        each["gone"] = ["kept", 1]
    path.write_text(json.dumps(line) + "\n" + path.read_text().replace('"seq":1', '"seq":2'))
    assert run(path, "--output", tmp_path / "c.jsonl").exit_code == 0
    found = lines(tmp_path / "c.jsonl")
    assert [(each["comic.id"], each["gone"]) for each in found] == [
        (None, '["kept",1]'),
        (None, '["kept",1]'),
        ("7", None),
        (None, None),
    ]


@pytest.mark.parametrize(
    ("cell", "kind", "fitted"),
    [
        ("\ud800", Type.TEXT, "?"),
        (7, Type.TEXT, "7"),
        (2.0, Type.WHOLE, 2),
        (2.5, Type.WHOLE, None),
        (math.inf, Type.WHOLE, None),
        (2**63, Type.WHOLE, None),
        (True, Type.WHOLE, None),
        ("7", Type.NUMBER, None),
        (7, Type.NUMBER, 7.0),
        (10**400, Type.NUMBER, None),
    ],
)
def test_a_cell_is_of_its_columns_type_or_empty(cell: object, kind: Type, fitted: object) -> None:
    assert fit(cell, kind) == fitted


def test_cells_that_do_not_fit_are_told(tmp_path: Path) -> None:
    home = write(tmp_path / "data", {"one": {"generations": [{"seed": 2**64 - 1}]}})
    result = run(home, "--output", tmp_path / "c.parquet")
    assert result.exit_code == 0
    assert "! 1 cells were not of the type of column seed and are empty" in result.stderr


def test_errors_are_one_line_and_leave_no_file(home: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    for arguments, said in (
        ((tmp_path / "nowhere", "--output", tmp_path / "c.csv"), "nowhere: no such file or folder"),
        ((home, "--output", tmp_path / "no" / "c.csv"), "c.csv: No such file or directory"),
        ((home, "--output", tmp_path / "c.xlsx"), "--format: one of jsonl, csv, parquet"),
        ((home, "--format", "parquet", "--output", "-"), "Parquet needs a file"),
    ):
        result = run(*arguments)
        assert (result.exit_code, said in result.stderr) == (2, True), result.stderr
    assert sorted(tmp_path.iterdir()) == before


def test_a_missing_pyarrow_names_the_extra(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    result = run(home, "--output", tmp_path / "c.parquet")
    assert (result.exit_code, result.stderr) == (
        2,
        "spanwand: Parquet needs pyarrow: pip install 'spanwand[parquet]'\n",
    )


def test_the_file_is_its_owners_and_replaces_an_older_one(home: Path, tmp_path: Path) -> None:
    output = tmp_path / "c.jsonl"
    output.write_text("old")
    os.chmod(output, 0o644)  # noqa: PTH101  # as a user would have left it
    assert run(home, "--output", output).exit_code == 0
    assert stat.S_IMODE(output.stat().st_mode) == 0o600
    assert len(lines(output)) == 2


def test_the_standard_output(home: Path) -> None:
    result = run(home, "--format", "jsonl", "--output", "-")
    assert [json.loads(line)["trace_id"] for line in result.stdout.splitlines()] == ["a", "b"]
