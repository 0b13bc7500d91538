"""`spanwand export` over what the real W&B SDK left on disk (P8)."""

import json
from collections.abc import Sequence
from pathlib import Path

from click.testing import CliRunner
from tests.support.offline import OFFLINE, batch, expected_traces
from tests.support.sink_process import SinkProcess

from spanwand_sidecar.commands.export import export


def export_requests(path: Path, output: Path) -> tuple[Sequence[int], int]:
    arguments = [str(path), "--table", "requests", "--output", str(output)]
    result = CliRunner().invoke(export, arguments)
    found = [json.loads(line) for line in output.read_text().splitlines()]
    return sorted(int(row["trace_id"], 16) for row in found), result.exit_code


def test_every_row_of_rotated_runs_once(environ: dict[str, str], directory: Path, tmp_path: Path) -> None:
    config = OFFLINE.model_copy(update={"run_max_age_s": 20})
    numbers = range(1, 9)
    with SinkProcess(environ, directory, config) as process:
        for number in numbers:
            assert process.write(batch(number, ["one"])).outcome == "Delivered"
        assert export_requests(directory, tmp_path / "running.jsonl") == (expected_traces(numbers), 0)
        process.close()
    assert len(list(directory.rglob("run-*.wandb"))) == 4
    assert export_requests(directory, tmp_path / "r.jsonl") == (expected_traces(numbers), 0)
    moved = directory.rename(tmp_path / "elsewhere")
    assert export_requests(moved, tmp_path / "r.jsonl") == (expected_traces(numbers), 0)


def test_a_lost_file_is_told(environ: dict[str, str], directory: Path, tmp_path: Path) -> None:
    with SinkProcess(environ, directory, OFFLINE) as process:
        for number in (2, 4):
            assert process.write(batch(number, ["one"])).outcome == "Delivered"
        process.close()
    for file in (*directory.glob("data/artifacts/staging/*"), *directory.rglob("*.table.json")):
        if f"{20:032x}".encode() in file.read_bytes():
            file.unlink()
    found, exit_code = export_requests(directory, tmp_path / "r.jsonl")
    assert (found, exit_code) == (expected_traces([4]), 1)
