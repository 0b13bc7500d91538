"""Rows into a file as they come: JSON lines, CSV or Parquet. A file appears under its name once it is whole."""

import csv
import importlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any

import msgspec

from spanwand.errors import SpanwandError
from spanwand.tables import Column, Type

Row = Sequence[Any]

PIECE_ROWS = 20_000
PIECE_CHARS = 8 * 1024 * 1024
"""What is written at once, at most: it becomes a row group of Parquet."""
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
    """Typed and compressed, a row group per piece. Needs pyarrow: see `check_format`."""
    arrow, parquet = (importlib.import_module(name) for name in ("pyarrow", "pyarrow.parquet"))
    kinds = {Type.TEXT: arrow.string(), Type.WHOLE: arrow.int64(), Type.NUMBER: arrow.float64()}
    schema = arrow.schema([(column.name, kinds[column.type]) for column in columns])
    count = 0
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        for piece in pieces(rows):
            cells = zip(*piece, strict=True)
            arrays = [arrow.array(column, field.type) for column, field in zip(cells, schema, strict=True)]
            writer.write_table(arrow.Table.from_arrays(arrays, schema=schema))
            count += len(piece)
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

    `-` is the standard output. Raises SpanwandError if it cannot be written.
    """
    if str(path) == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
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


def pieces(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Rows in lists of a bounded size."""
    piece: list[Row] = []
    chars = 0
    for row in rows:
        piece.append(row)
        chars += sum([len(cell) for cell in row if isinstance(cell, str)])
        if len(piece) == PIECE_ROWS or chars >= PIECE_CHARS:
            yield piece
            piece, chars = [], 0
    if piece:
        yield piece
