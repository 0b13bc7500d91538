"""The endpoints file: how other processes find a running daemon."""

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from spanwand_sidecar.files import replace_json
from spanwand_sidecar.status import Endpoints

NAME = "endpoints.json"


def write_endpoints(endpoints: Endpoints, paths: Iterable[Path]) -> None:
    """Say where the daemon is. Raises OSError. A power cut ends what they tell of: nobody waits for the disk."""
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_json(path, msgspec.to_builtins(endpoints), survives_power_cut=False)


def remove_endpoints(paths: Iterable[Path]) -> None:
    """Take the files away, unless another daemon has written them since."""
    for path in paths:
        found = _read(path)
        if found and found.pid == os.getpid():
            path.unlink(missing_ok=True)


def read_endpoints(data_dir: Path) -> Endpoints | None:
    """Where the daemon of a data directory is; None if none runs, as far as its file can tell."""
    return _read(data_dir / NAME)


def _read(path: Path) -> Endpoints | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Endpoints)
    except (OSError, msgspec.MsgspecError):
        return None
