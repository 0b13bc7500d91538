"""What W&B refuses for good, as opposed to not now: found among what it takes, kept aside, counted (R12)."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spanwand.batch import RunKey, RunUpdate
from spanwand.drops import DropReason, Drops
from spanwand.sinks.wandb.dead_letters import NAME, DeadLetter, DeadLetters
from spanwand.sinks.wandb.evidence import Position
from spanwand.sinks.wandb.isolation import Isolation
from spanwand.sinks.wandb.records import RowKey
from spanwand.tables import TABLES, Column

MAX_REASON_CHARS = 200


class Refusals:
    """For the life of a sink. What gives something up raises OSError if it cannot be kept; then it is not given up."""

    def __init__(self, directory: Path, layout: Mapping[str, tuple[Column, ...]] = TABLES) -> None:
        self.drops = Drops()
        """What was given up since the start."""
        self._why = ""
        self._layout = layout
        self._letters = DeadLetters(directory)
        self._keeping = threading.Lock()
        self._isolations: dict[tuple[RunKey, str], Isolation] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        """For `spanwand status`."""
        rows, steps = self.drops[DropReason.ROW_REFUSED], self.drops[DropReason.STEP_REFUSED]
        return (f"W&B refused {rows} rows and {steps} history steps for good, kept in {NAME}: {self._why}",) * bool(
            rows or steps
        )

    def size(self, run: RunKey, table: str, left: int) -> int:
        """How many of the rows that are left of a batch to send at once."""
        isolation = self._isolations.get((run, table))
        return isolation.size(left) if isolation else left

    def taken(self, run: RunKey, table: str, count: int, left: int) -> None:
        """W&B has `count` rows of a batch; `left` come behind them."""
        if not left:
            self._isolations.pop((run, table), None)
        elif isolation := self._isolations.get((run, table)):
            isolation.taken(count)

    def refused(self, run: RunKey, table: str, count: int, left: int) -> bool:
        """W&B refused `count` rows of a batch; `left` come behind. Returns whether to give them up; else send fewer."""
        is_given_up = self._isolations.setdefault((run, table), Isolation()).refused(count)
        if is_given_up and not left:
            del self._isolations[run, table]
        return is_given_up

    def keep_rows(self, update: RunUpdate, table: str, position: Position, why: str) -> None:
        """Give up the rows of one table in `update`, which reach to `position`. Raises OSError."""
        rows = update.rows[table]
        names = [column.name for column in self._layout[table]]
        kept = tuple(dict(zip(names, row, strict=False)) for row in rows)
        letter = self._letter(update.run, f"{position.seq} {table} {position.rows_left}", why, table=table, rows=kept)
        self._keep(letter, DropReason.ROW_REFUSED, len(rows))

    def keep_step(self, update: RunUpdate, position: Position, why: str) -> None:
        """Give up the points in `update`. Raises OSError."""
        letter = self._letter(update.run, f"{position.seq}", why, points=update.points)
        self._keep(letter, DropReason.STEP_REFUSED, 1)

    def keep_history_row(self, run: RunKey, key: RowKey, row: Mapping[str, Any], why: str) -> None:
        """Give up a row of the history: on any thread. Raises OSError."""
        letter = self._letter(run, " ".join(filter(None, map(str, key))), why, points=row)
        self._keep(letter, DropReason.STEP_REFUSED, 1)

    def _letter(self, run: RunKey, place: str, why: str, **content: Any) -> DeadLetter:
        own = "/".join((run.entity, run.project, run.group, run.job_type, run.name))
        return DeadLetter(id=f"{own} {place}", run=run, why=why[:MAX_REASON_CHARS], **content)

    def _keep(self, letter: DeadLetter, reason: DropReason, count: int) -> None:
        with self._keeping:
            if self._letters.add(letter):
                self.drops[reason] += count
                self._why = letter.why
