"""Reads back what sinks left on disk: W&B runs, and the batches of the `jsonl` sink."""

from collections.abc import Iterator
from pathlib import Path

from spanwand.errors import NotReadable
from spanwand.sinks.wandb.stored import read_run
from spanwand.stored.batches import read_batches
from spanwand.stored.estimate import totals
from spanwand.stored.run import Stored, StoredRun, collapse_revisions


def read(path: Path) -> Stored:
    """All runs at or below `path`: a `.wandb` or `.jsonl` file, a run's folder, a W&B folder or a data directory.

    Raises NotReadable if there is none, or one cannot be read at all. A damaged one is read as far as possible and
    says so in its `notes`.
    """
    if not path.exists():
        raise NotReadable(f"{path}: no such file or folder")
    found = sorted(files(path), key=lambda file: (file.parent.name, file.name))
    if not found:
        raise NotReadable(f"{path}: no run in it")
    root = path if path.is_dir() else path.parent
    try:
        return Stored(runs=[run for file in found for run in read_file(file, str(file.relative_to(root)))])
    except OSError as error:
        raise NotReadable(f"{error.filename or path}: {error.strerror}") from None


def files(path: Path) -> Iterator[Path]:
    """The files at or below `path` that hold runs."""
    if path.is_file():
        yield path
    else:
        yield from path.rglob("run-*.wandb")
        yield from path.rglob("batches.jsonl")


def read_file(path: Path, source: str) -> list[StoredRun]:
    """The runs of one file. Raises OSError, NotReadable."""
    runs = read_batches(path, source) if path.suffix == ".jsonl" else [read_run(path, source)]
    for run in runs:
        for table in run.tables.values():
            collapse_revisions(table)
        run.totals = totals([run])
    return runs
