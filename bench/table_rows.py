"""What a row of a Table costs whoever logs it: by our wandb sink, and by `wandb.Table` as everybody calls it.

    python bench/table_rows.py

An increment of 600 rows of the table `generations`, two of three cells filled, into an offline run; ours and wandb's in
turns, CPU time of the process (wandb-core is another). Then the same rows into the dataset of a run.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROWS = 600
TURNS = 15
VALUES = {"str": "a text of some length", "int": 12_345, "float": 1.234_567_89}


def main() -> None:
    """Print microseconds a row, and the ratio."""
    os.environ |= {"WANDB_SILENT": "true", "WANDB_CONSOLE": "off", "WANDB_ERROR_REPORTING": "false"}
    import wandb

    from spanwand.packed_rows import PackedRows
    from spanwand.sinks.wandb.increments import Increments
    from spanwand.sinks.wandb.partitions import Partitions
    from spanwand.stored.run import Increment
    from spanwand.tables import TABLES

    columns = TABLES["generations"]
    names: list[Any] = [column.name for column in columns]
    cells = [VALUES.get(column.type) if place % 3 < 2 else None for place, column in enumerate(columns)]
    rows = PackedRows(tuple(cells) for _ in range(ROWS))
    with tempfile.TemporaryDirectory() as folder:
        run: Any = wandb.init(project="bench", mode="offline", dir=folder)
        increments = Increments("generations", columns)
        table = wandb.Table(columns=names, log_mode="INCREMENTAL")

        def ours() -> None:
            run.log(increments.add(rows))
            increments.logged()

        def wandbs() -> None:
            for row in rows:
                table.add_data(*row)
            run.log({"wandbs": table})

        def dataset() -> None:
            Partitions(Path(tempfile.mkdtemp(dir=folder))).add("generations", Increment(1.0, names, rows))

        ways: dict[str, Callable[[], None]] = {"our table": ours, "wandb.Table": wandbs, "our dataset": dataset}
        _, *turns = [{name: took(way) for name, way in ways.items()} for _ in range(1 + TURNS)]
        run.finish()
    took_us = {name: statistics.median(turn[name] for turn in turns) for name in ways}
    for name, us in took_us.items():
        print(f"{name:12} {us:7.1f} us a row  {us / took_us['wandb.Table']:.3f} of wandb.Table's")


def took(way: Callable[[], None]) -> float:
    """Microseconds of CPU a row."""
    begun_s = time.process_time()
    way()
    return (time.process_time() - begun_s) / ROWS * 1e6


if __name__ == "__main__":
    main()
