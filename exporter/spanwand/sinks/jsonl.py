"""Batches as JSON lines in `batches.jsonl`, one line per run that a batch adds to. Needs no service and no package.

A line: `seq` of its batch, `part` and `parts` (its place among the batch's lines, from 1), `window` (`start_ns`,
`end_ns`), `run`, `config`, `tags`, `points`, `rows` by table, each row an object by column, and `alerts`. An image is a
file in `media/`, named by the digest of what was sent; the row has its path.
"""

import fcntl
import mmap
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from spanwand.batch import Batch, RunUpdate
from spanwand.config import LineConfig
from spanwand.media import Media
from spanwand.outcomes import Delivered, Outcome, Rejected, Retry
from spanwand.tables import layout

RETRY_AFTER_S = 5.0
NAME = "batches.jsonl"
IMAGES = "media"

Names = Mapping[str, tuple[str, ...]]


class _Place(msgspec.Struct):
    """What of a line says which batch it is part of."""

    seq: int
    part: int
    parts: int


class JsonlSink:
    """A batch counts as written once all its lines are on disk (fsync). What a crash left of one is cut off."""

    def __init__(self, directory: Path, columns_of: Names) -> None:
        """`columns_of`: column names by table. Raises OSError if another process has the file."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._columns = columns_of
        self._images = directory / IMAGES
        self._file = os.open(directory / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._closed = False
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._size, self._seq = _last_whole_batch(self._file)
            _sync_directory(directory)
        except BaseException:
            self.close(0)
            raise

    def write(self, batch: Batch) -> Outcome:
        """Append a batch; one that is in already is passed over. See `spanwand.ports.Sink`."""
        if batch.seq <= self._seq or not batch.updates:
            return Delivered()
        try:
            data = b"".join(_lines(batch, self._columns))
        except (TypeError, ValueError) as error:
            return Rejected(f"batch {batch.seq} is not JSON: {error}")
        try:
            _keep_images(batch, self._images)
            self._append(data)
        except OSError as error:
            return Retry(RETRY_AFTER_S, f"cannot write {NAME}: {error.strerror}")
        self._size, self._seq = self._size + len(data), batch.seq
        return Delivered()

    def close(self, deadline_s: float) -> None:  # noqa: ARG002  # nothing here waits
        """Close the file; everything is on disk already."""
        if not self._closed:
            self._closed = True
            os.close(self._file)

    def _append(self, data: bytes) -> None:
        """Write behind the last whole batch, whatever a failed write left there."""
        os.ftruncate(self._file, self._size)
        done = 0
        while done < len(data):
            done += os.pwrite(self._file, memoryview(data)[done:], self._size + done)
        os.fsync(self._file)


def open_sink(config: LineConfig, directory: Path) -> JsonlSink:
    """See `spanwand.sinks`."""
    tables = layout(config.gather.request_attributes, config.media.columns, has_links=bool(config.tables.trace_url))
    return JsonlSink(directory, {table: tuple(column.name for column in columns) for table, columns in tables.items()})


def _lines(batch: Batch, columns_of: Names) -> Iterator[bytes]:
    for part, update in enumerate(batch.updates, 1):
        line = {
            "seq": batch.seq,
            "part": part,
            "parts": len(batch.updates),
            "window": {"start_ns": batch.start_ns, "end_ns": batch.end_ns},
            "run": update.run,
            "config": update.config,
            "tags": update.tags,
            "points": update.points,
            "rows": _rows(update, columns_of),
            "alerts": update.alerts,
        }
        yield msgspec.json.encode(line) + b"\n"


def _rows(update: RunUpdate, columns_of: Names) -> dict[str, list[msgspec.Raw]]:
    """Each is JSON before the next is made: all of them as objects take three times as much."""
    return {
        table: [_raw(dict(zip(columns_of[table], map(_cell, row), strict=True))) for row in rows]
        for table, rows in update.rows.items()
    }


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def _cell(cell: object) -> object:
    return f"{IMAGES}/{_file_name(cell)}" if isinstance(cell, Media) else cell


def _file_name(media: Media) -> str:
    return f"{media.sha256}.jpg"


def _keep_images(batch: Batch, folder: Path) -> None:
    """Make the images of a batch durable before its rows name them. Raises OSError."""
    tables = (rows for update in batch.updates for rows in update.rows.values())
    images = {cell.sha256: cell for rows in tables for row in rows for cell in row if isinstance(cell, Media)}
    if not images:
        return
    folder.mkdir(mode=0o700, exist_ok=True)
    for media in images.values():
        path = folder / _file_name(media)
        if not path.exists():
            _write_durably(path, media.jpeg)
    _sync_directory(folder)
    _sync_directory(folder.parent)


def _write_durably(path: Path, data: bytes) -> None:
    """It is there whole or not at all."""
    new = path.with_suffix(".new")
    file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(file, "wb") as target:
        target.write(data)
        target.flush()
        os.fsync(file)
    new.replace(path)


def _last_whole_batch(file: int) -> tuple[int, int]:
    """Where the last whole batch ends, and its `seq`; -1 if there is none."""
    if not os.fstat(file).st_size:
        return 0, -1
    with mmap.mmap(file, 0, access=mmap.ACCESS_READ) as content:
        end = content.rfind(b"\n") + 1
        while end:
            start = content.rfind(b"\n", 0, end - 1) + 1
            place = _place(content[start:end])
            if place is not None and place.part == place.parts:
                return end, place.seq
            end = start
    return 0, -1


def _place(line: bytes) -> _Place | None:
    try:
        return msgspec.json.decode(line, type=_Place)
    except msgspec.DecodeError:
        return None


def _sync_directory(directory: Path) -> None:
    """Make the file's name durable."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
