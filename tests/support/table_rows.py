"""Prints what our Tables put into an artifact, and what wandb's would: `python -m tests.support.table_rows`."""

import io
import json
import math
import resource
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import wandb

from spanwand.media import Media
from spanwand.sinks.wandb import core
from spanwand.sinks.wandb.increments import Increments
from spanwand.tables import Column, Type
from tests.support.pictures import digest, png

COLUMNS = (Column("name", Type.TEXT, ""), Column("steps", Type.WHOLE, ""), Column("cost_usd", Type.NUMBER, ""))
PLAIN = [
    ("a fox \u2026", 28, 0.5),
    (None, None, None),
    ("", -1, math.inf),
    ("nan", 2, math.nan),
    ("half a pair \ud83d", 1 << 70, -math.inf),
    ("e", 3, 1.0),
]
FORCED = [*PLAIN, ("forced", "3", 1)]
IMAGE = Media(digest(1), "image/png", 41, 30, len(png(1)), png(1))


def both(columns: Sequence[Column], rows: Sequence[Sequence[object]]) -> tuple[str, str]:
    """As JSON: by our table, and by its class."""
    increments = Increments("rows", columns)
    table: Any = increments.add(rows)["rows"]
    entry = wandb.Artifact("rows", "run_table").add(table, "rows")
    assert entry.local_path
    ours = json.loads(Path(entry.local_path).read_text())
    table.data += map(list, rows[len(table.data) :])  # what wandb would have
    wandbs = told(type(table).to_json.__get__(table))
    increments.logged()
    return json.dumps(ours, sort_keys=True), wandbs


def told(to_json: Callable[[wandb.Artifact], object]) -> str:
    """As wandb writes it into an artifact."""
    file = io.StringIO()
    json.dump(to_json(wandb.Artifact("rows", "run_table")), file, sort_keys=True)
    return file.getvalue()


def told_by_wandb() -> str:
    """What comes of it if wandb does not take the file that is there, but writes what it heard."""
    table: Any = Increments("rows", COLUMNS).add(PLAIN)["rows"]
    try:
        return told(table.to_json)
    except TypeError as error:
        return type(error).__name__


def left_of_a_full_disk() -> list[str]:
    """What lies about once files can have no more than a few bytes, and a Table could not be written."""
    artifact = wandb.Artifact("rows", "run_table")
    table: Any = Increments("rows", COLUMNS).add(PLAIN)["rows"]
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, before[1]))
    try:
        artifact.add(table, "rows")
    except OSError:
        return [path.name for path in core.keep_temporary_folder().iterdir()]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    return ["it could be written"]


if __name__ == "__main__":
    with_image = [(*row, IMAGE if number == 1 else None) for number, row in enumerate(FORCED)]
    image = Column("image", Type.IMAGE, "")
    tables = [both(COLUMNS, PLAIN), both(COLUMNS, FORCED), both((*COLUMNS, image), with_image)]
    print(json.dumps([tables, told_by_wandb(), left_of_a_full_disk()]))
