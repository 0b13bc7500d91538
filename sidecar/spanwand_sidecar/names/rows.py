"""Takes names and places out of the rows of a batch. Fails closed: a row that cannot be looked through loses its texts.

What it did is counted in the batch itself, in the run of the line's own health, so that every sink has it.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec.structs import replace

from spanwand.batch import Batch, RunUpdate
from spanwand.drops import DropReason, Drops
from spanwand.packed_rows import PackedRows
from spanwand.redact_config import PresidioConfig
from spanwand.redactors.scrub import REMOVED
from spanwand.runs import HEALTH_RUN
from spanwand.tables import CELL_MAX_CHARS, Column
from spanwand_sidecar.log import Seldom
from spanwand_sidecar.names.engine import EngineFailed
from spanwand_sidecar.names.texts import Found, edited, without

Find = Callable[[Sequence[str], float], Sequence[Sequence[Found]]]
"""What is found in each of some texts, within so many seconds. Whatever it raises, the texts are taken out."""
SHORT_CHARS, _MOST_REMEMBERED = 64, 4_096
"""Short texts in which nothing was found are remembered: most are keys and words of JSON that come again and again."""
Row = tuple[object, ...]


class CleanRows:
    """Makes batches whose rows hold no names. Used from one thread."""

    def __init__(
        self,
        find: Find,
        tables: Mapping[str, Sequence[Column]],
        config: PresidioConfig,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`tables` are the columns of the rows: names are looked for in those that may hold what was said."""
        self.drops = Drops()
        """Rows that lost their texts, since the start."""
        self._find = find
        self._said = {
            table: tuple(place for place, column in enumerate(columns) if column.is_said)
            for table, columns in tables.items()
        }
        self._timeout_s, self._budget_s = config.timeout_s, config.budget_s
        self._clock = clock
        self._plain: set[str] = set()
        self._seldom = Seldom()

    def __call__(self, batch: Batch) -> Batch:
        """The batch without names. Never raises; takes little longer than the budget."""
        if not any(update.rows for update in batch.updates):
            return batch
        counts: Counter[str] = Counter()
        finish_by_s = self._clock() + self._budget_s

        def clean(table: str, rows: Iterable[Row]) -> PackedRows:
            return PackedRows(self._row(row, self._said[table], counts, finish_by_s) for row in rows)

        updates = tuple(
            replace(update, rows={table: clean(table, rows) for table, rows in update.rows.items()})
            for update in batch.updates
        )
        return replace(batch, updates=counted(updates, counts))

    def _row(self, row: Row, said: Sequence[int], counts: Counter[str], finish_by_s: float) -> Row:
        cells = {place: cell for place in said if isinstance(cell := row[place], str)}
        if not cells:
            return row
        try:
            timeout_s = min(self._timeout_s, finish_by_s - self._clock())
            found: Counter[str] = Counter()
            cleaned = self._cleaned(cells, timeout_s, found)
            counts.update({f"redacted/{entity}": count for entity, count in found.items()})
        except Exception as error:  # noqa: BLE001  whatever it is, nothing may leave unseen
            why = str(error) if isinstance(error, EngineFailed) else type(error).__name__
            self._seldom.warning("names", "a row leaves without its texts, in which names could not be found: %s", why)
            self.drops[DropReason.REDACTION_FAILED] += 1
            counts[f"dropped/{DropReason.REDACTION_FAILED}"] += 1
            cleaned = dict.fromkeys(cells, REMOVED)
        return tuple(cleaned.get(place, cell) for place, cell in enumerate(row))

    def _cleaned(self, cells: Mapping[int, str], timeout_s: float, counts: Counter[str]) -> dict[int, str]:
        """The cells by their place. Raises what the engine raises, TimeoutError, or ValueError for nonsense."""
        texts: dict[str, None] = {}

        def note(text: str) -> str:
            if text not in self._plain:
                texts[text] = None
            return text

        for cell in cells.values():
            edited(cell, note)
        if texts and timeout_s <= 0:
            raise TimeoutError
        found = dict(zip(texts, self._find(tuple(texts), timeout_s) if texts else (), strict=True))
        self._remember(text for text, finds in found.items() if not finds and len(text) <= SHORT_CHARS)
        return {
            place: edited(cell, lambda text: without(text, found.get(text, ()), counts))[:CELL_MAX_CHARS]
            for place, cell in cells.items()
        }

    def _remember(self, texts: Iterable[str]) -> None:
        if len(self._plain) >= _MOST_REMEMBERED:
            self._plain.clear()
        self._plain.update(texts)


def counted(updates: tuple[RunUpdate, ...], counts: Mapping[str, int]) -> tuple[RunUpdate, ...]:
    """With the counts as points of the run of the line's own health."""
    if not counts:
        return updates
    if all(update.run != HEALTH_RUN.key for update in updates):
        own = RunUpdate(run=HEALTH_RUN.key, config=HEALTH_RUN.config, tags=HEALTH_RUN.tags, points={}, rows={})
        updates = (*updates, own)
    return tuple(_with(update, counts) if update.run == HEALTH_RUN.key else update for update in updates)


def _with(update: RunUpdate, counts: Mapping[str, int]) -> RunUpdate:
    points = {f"spanwand/{name}": count for name, count in sorted(counts.items())}
    added = {name: update.points.get(name, 0) + count for name, count in points.items()}
    return replace(update, points={**update.points, **added})
