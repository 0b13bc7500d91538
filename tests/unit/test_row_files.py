"""Rows into files: in bounded memory, and harmless to open (P8, K3)."""

import importlib
import os
import weakref
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from spanwand.tables import Column, Type
from spanwand_sidecar import row_files
from spanwand_sidecar.row_files import FORMATS, bounded, harmless, whole_file

parquet: Any = importlib.import_module("pyarrow.parquet")


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "\uff1d1"])
def test_formulas(text: str) -> None:
    assert harmless(text) == f"'{text}"
    assert harmless(f"x{text}") == f"x{text}"


def test_a_pipe_or_device_is_written_to_and_stays_one(tmp_path: Path) -> None:
    """K3: a file that took the place of `/dev/full` would be there for good."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with whole_file(pipe) as file:
        file.write(b"rows")
    assert os.read(reader, 9) == b"rows"
    os.close(reader)
    assert pipe.is_fifo()


class LiveRow(list[Any]):
    """A row that can be watched."""

    __hash__ = object.__hash__  # type: ignore[assignment]  # lists have none


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("count", [4_000, 16_000])
def test_few_rows_are_in_memory_at_once(form: str, count: int, tmp_path: Path) -> None:
    """K3: as many of 16,000 as of 4,000, and row groups of Parquet do not grow with them."""
    live: weakref.WeakSet[LiveRow] = weakref.WeakSet()
    names, most = [f"c{at}" for at in range(9)], 0

    def rows() -> Iterable[LiveRow]:
        nonlocal most
        for number in range(count):
            row = LiveRow([f"{number:0200}" for _ in names])
            live.add(row)
            most = max(most, len(live))
            yield row

    with (tmp_path / "file").open("wb") as file:
        assert FORMATS[form](file, [Column(name, Type.TEXT, "") for name in names], rows()) == count
    assert most < 1_000


def test_row_groups_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """K3: what Parquet holds until it is written."""
    monkeypatch.setattr(row_files, "ROW_GROUP_BYTES", 2 << 20)
    path = tmp_path / "file.parquet"
    with path.open("wb") as file:
        assert FORMATS["parquet"](file, [Column("text", Type.TEXT, "")], ([f"{n:020000}"] for n in range(500))) == 500
    metadata = parquet.ParquetFile(path).metadata
    sizes = [metadata.row_group(at).num_rows for at in range(metadata.num_row_groups)]
    assert (sum(sizes), len(sizes) > 2, max(sizes) < 250) == (500, True, True)


def test_what_is_written_at_once_is_bounded() -> None:
    assert [len(group) for group in bounded([400] * 7, lambda size: size, 1_000)] == [3, 3, 1]
