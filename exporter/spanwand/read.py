"""Reads back what sinks left on disk: W&B runs, and the batches of the `jsonl` sink."""

from collections.abc import Iterator
from pathlib import Path

from spanwand.errors import NotReadable
from spanwand.sinks.wandb.stored import read_run
from spanwand.stored_run import Stored


def read(path: Path) -> Stored:
    """All runs at or below `path`: a `.wandb` file, a run's folder, a W&B folder or a data directory.

    Raises NotReadable if there is none, or one cannot be read at all. A damaged one is read as far as possible and
    says so in its `notes`.
    """
    logs = sorted(transaction_logs(path), key=lambda log: (log.parent.name, log.name))
    if not logs:
        raise NotReadable(f"{path}: no such file or folder" if not path.exists() else f"{path}: no run in it")
    root = path if path.is_dir() else path.parent
    try:
        return Stored(runs=[read_run(log, str(log.relative_to(root))) for log in logs])
    except OSError as error:
        raise NotReadable(f"{error.filename or path}: {error.strerror}") from None


def transaction_logs(path: Path) -> Iterator[Path]:
    """The transaction logs at or below `path`."""
    if path.is_file():
        yield path
    else:
        yield from path.rglob("run-*.wandb")
