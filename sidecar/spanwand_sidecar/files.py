"""Files of the data directory that are replaced as a whole."""

import json
import os
from pathlib import Path

from spanwand_sidecar.journal.segment import sync_directory, write_all
from spanwand_sidecar.kill_points import kill_point

PRIVATE = 0o600


def replace_json(path: Path, document: object, *, survives_power_cut: bool = True) -> None:
    """Write `document` so that a reader sees either the old file or the new one, after a power cut if that matters."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE)
        try:
            write_all(descriptor, json.dumps(document).encode())
            if survives_power_cut:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        kill_point("file_drafted")
        draft.replace(path)
        kill_point("file_replaced")
    finally:
        draft.unlink(missing_ok=True)
    if survives_power_cut:
        sync_directory(path.parent)
