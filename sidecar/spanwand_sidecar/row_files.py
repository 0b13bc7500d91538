"""Rows into a file as they come: JSON lines, CSV or Parquet. A file appears under its name once it is whole."""

import csv
import importlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from operator import attrgetter
from pathlib import Path
from typing import IO, Any, TypeVar

import msgspec

from spanwand.errors import SpanwandError
from spanwand.tables import Column, Type

Row = Sequence[Any]
T = TypeVar("T")

ROW_BYTES = 1_024
PIECE_BYTES = 1 << 20
"""Of rows as Python objects, which take ten times the room of columns: so many are there at once. A row counts as its
texts and `ROW_BYTES`."""
ROW_GROUP_BYTES = 8 << 20
"""Of Arrow's columns: larger groups would take memory, of smaller ones a reader has to look at more."""
FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""Text that begins like this is a formula to a spreadsheet, and may run something."""


def write_jsonl(file: IO[bytes], columns: Sequence[Column], rows: Iterable[Row]) -> int:
    """One object a row. Returns how many."""
    names, count = [column.name for column in columns], 0
    for row in rows:
        file.write(msgspec.json.encode(dict(zip(names, row, strict=True))) + b"\n")
        count += 1
    return count


def write_csv(file: IO[bytes], columns: Sequence[Column], rows: Iterable[Row]) -> int:
    """With a header; empty cells hold nothing, and text that would be a formula begins with an apostrophe."""
    text = TextIOWrapper(file, encoding="utf-8", newline="")
    writer, count = csv.writer(text), 0
    writer.writerow([harmless(column.name) for column in columns])
    for row in rows:
        writer.writerow([harmless(cell) if isinstance(cell, str) else cell for cell in row])
        count += 1
    text.flush()
    text.detach()
    return count


def write_parquet(file: IO[bytes], columns: Sequence[Column], rows: Iterable[Row]) -> int:
    """Typed and compressed, in row groups of a bounded size. Needs pyarrow: see `check_format`."""
    arrow, parquet = (importlib.import_module(name) for name in ("pyarrow", "pyarrow.parquet"))
    kinds = {Type.TEXT: arrow.string(), Type.WHOLE: arrow.int64(), Type.NUMBER: arrow.float64()}
    schema = arrow.schema([(column.name, kinds[column.type]) for column in columns])

    def columnar(piece: Sequence[Row]) -> Any:
        cells = zip(*piece, strict=True)
        return arrow.record_batch([arrow.array(c, f.type) for c, f in zip(cells, schema, strict=True)], schema=schema)

    count = 0
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        pieces = map(columnar, bounded(rows, row_bytes, PIECE_BYTES))
        for group in bounded(pieces, attrgetter("nbytes"), ROW_GROUP_BYTES):
            writer.write_table(arrow.Table.from_batches(group))
            count += sum(piece.num_rows for piece in group)
    return count


FORMATS: Mapping[str, Callable[[IO[bytes], Sequence[Column], Iterable[Row]], int]] = {
    "jsonl": write_jsonl,
    "csv": write_csv,
    "parquet": write_parquet,
}


def check_format(name: str) -> None:
    """Raises SpanwandError if what a format needs is not installed."""
    if name == "parquet":
        try:
            importlib.import_module("pyarrow.parquet")
        except ImportError:
            raise SpanwandError("Parquet needs pyarrow: pip install 'spanwand[parquet]'") from None


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that only its owner may read, and that replaces what is at `path` at the end, if nothing was raised.

    `-` is the standard output; into a device or a pipe it is written. Raises SpanwandError if it cannot be.
    """
    if str(path) == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as device:
                yield device
            return
        with tempfile.NamedTemporaryFile(dir=path.absolute().parent, prefix=f".{path.name}.", delete=False) as file:
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise SpanwandError(f"{path}: {error.strerror}") from None


def harmless(text: str) -> str:
    """A text cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


def row_bytes(row: Row) -> int:
    """About how much memory a row takes."""
    return ROW_BYTES + sum([len(cell) for cell in row if isinstance(cell, str)])


def bounded(items: Iterable[T], size_of: Callable[[T], int], limit: int) -> Iterator[list[T]]:
    """Items in lists, each of which ends with the item whose size makes it reach the limit."""
    found: list[T] = []
    size = 0
    for item in items:
        found.append(item)
        size += size_of(item)
        if size >= limit:
            yield found
            found, size = [], 0
    if found:
        yield found
