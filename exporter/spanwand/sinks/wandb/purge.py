"""Clears away what W&B is verified to have: prompts must not rest on this disk for longer than they have to.

Of an online run that is verified: its folder, after a while. Of staged Table files and cached artifacts: those that
nothing can need any more. Offline runs are a user's own and never touched.
"""

import logging
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from spanwand.sinks.wandb.directories import cache_directory, runs_directory, staging_directory
from spanwand.sinks.wandb.ledger import Ledger, RunDescription

UPLOAD_S = 1_800
"""Longest that wandb may still need a staged file: it gives up an upload after some 16 minutes."""

logger = logging.getLogger(__name__)


def purge(directory: Path, ledger: Ledger, keep_s: float) -> None:
    """Remove what has been proven, or unused, for `keep_s` seconds. Raises OSError."""
    runs = ledger.closed()
    before = time.time() - keep_s
    for run in runs:
        folder = (directory / run.log).parent
        if run.mode == "online" and run.upload == "verified" and _described(directory, run) < before:
            shutil.rmtree(folder, ignore_errors=True)
            if ledger.is_superseded(run):
                (runs_directory(directory) / f"{run.run_id}.json").unlink(missing_ok=True)
    _remove_old(cache_directory(directory), min(before, time.time() - UPLOAD_S))
    if not any(run.mode == "offline" for run in runs):
        _remove_old(staging_directory(directory), min(before, time.time() - UPLOAD_S))


def offline_bytes(directory: Path, ledger: Ledger) -> int:
    """What offline runs that nobody has uploaded take on this disk, without their Table files."""
    folders = [(directory / run.log).parent for run in ledger.closed() if run.mode == "offline"]
    return sum(path.stat().st_size for folder in folders for path in _files(folder))


def _described(directory: Path, run: RunDescription) -> float:
    return (runs_directory(directory) / f"{run.run_id}.json").stat().st_mtime


def _remove_old(folder: Path, before: float) -> None:
    for path in _files(folder):
        if path.stat().st_mtime < before:
            path.unlink(missing_ok=True)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())
