"""Where everything that W&B writes lies: below one directory of ours, so that it can be found, moved and purged.

wandb/{run,offline-run}-<time>-<id>/   one folder per run: transaction log, media, dataset, W&B's own logs
runs/<id>.json                         which run that is, and what was found in it (`ledger`)
data/artifacts/staging/                Table files, until uploaded and afterwards
cache/                                 artifacts as uploaded
lock                                   held while a sink is at work here
"""

import os
from pathlib import Path

HTTP_TIMEOUT_S = 8
"""How long wandb may block when it logs a Table and W&B does not answer; its default is 19 s."""


def own_process(directory: Path) -> None:
    """Keep W&B's data and cache below `directory` too, and wandb quiet: for a process that is ours.

    To be called before wandb is imported, since it takes these from the environment only. In somebody else's process
    that is not ours to change: there Table files lie where the application's `WANDB_DATA_DIR` says.
    """
    os.environ["WANDB_DATA_DIR"] = str(data_directory(directory))
    os.environ["WANDB_CACHE_DIR"] = str(cache_directory(directory))
    os.environ["WANDB_ERROR_REPORTING"] = "false"
    os.environ["WANDB_SILENT"] = "true"
    os.environ["WANDB_HTTP_TIMEOUT"] = str(HTTP_TIMEOUT_S)


def data_directory(directory: Path) -> Path:
    """What `own_process` makes W&B's data directory."""
    return directory.absolute() / "data"


def is_own_process(directory: Path) -> bool:
    """Whether `own_process` was called for `directory`."""
    return os.environ.get("WANDB_DATA_DIR") == str(data_directory(directory))


def staging_directory(directory: Path) -> Path:
    """Where Table files lie until they are uploaded, and afterwards."""
    return data_directory(directory) / "artifacts" / "staging"


def cache_directory(directory: Path) -> Path:
    """What `own_process` makes W&B's cache directory."""
    return directory.absolute() / "cache"


def runs_directory(directory: Path) -> Path:
    """The folder of run descriptions."""
    return directory / "runs"


def lock_file(directory: Path) -> Path:
    """The file that a sink at work holds locked."""
    return directory / "lock"


def staged_file(recorded: str, log: Path) -> Path:
    """A staged file of the run whose transaction log is `log`: where it was, else where it is if all was moved."""
    path = Path(recorded)
    if path.exists():
        return path
    return staging_directory(log.absolute().parents[2]) / path.name
