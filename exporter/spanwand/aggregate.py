"""Windows of metrics, and the Table rows that wait to be handed over.

Metrics count everything; rows are what the sampler kept. A record updates one cell: that of its operation and model in
its run. The figures of each model, of each operation and of the run are merged from these when the window closes.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from spanwand import cell, tables
from spanwand.batch import RunUpdate, Verdict
from spanwand.cell import Cell, Point
from spanwand.config import LineConfig
from spanwand.drops import Drops
from spanwand.events import CleanEvaluation
from spanwand.measured import Measured
from spanwand.measurement import Reading
from spanwand.oddities import Oddities
from spanwand.operations import FAMILY_OF, Family, Operation
from spanwand.packed_rows import PackedRows
from spanwand.pending_rows import PendingRows
from spanwand.record import Clean
from spanwand.request import Request
from spanwand.rows import makers
from spanwand.runs import HEALTH_RUN, Home, Run, Runs
from spanwand.scores import Scores
from spanwand.shown import Shown

_COLUMNS = {Family.LLM: cell.LLM, Family.DIFFUSION: cell.DIFFUSION}
_CellKey = tuple[Family, Operation, str]
NOTHING: Mapping[str, int] = MappingProxyType({})


class Aggregate:
    """One open window, and rows of this window and earlier ones. Positions as in `Gather`."""

    def __init__(
        self,
        config: LineConfig,
        drops: Drops,
        redacted: Mapping[str, int] = NOTHING,
        oddities: Oddities | None = None,
        duplicates: Counter[str] | None = None,
    ) -> None:
        """Counts by name: `drops`, `oddities` and `duplicates` are emptied with each window, `redacted` grows."""
        self._runs = Runs(config)
        attributes, images, link = config.gather.request_attributes, config.media.columns, config.tables.trace_url
        # A name that is taken is an error now, not with the first row.
        tables.layout(attributes, images, has_links=bool(link))
        self._shown = Shown(config.media, drops)
        max_rows = config.sample.rows_per_minute * config.aggregate.rows_interval_s // 60
        self._rows = PendingRows(max(max_rows, 1), drops, makers(attributes, images, link))
        self.rows_low: int | None = None
        """First frame of the window in which the oldest row was decided about that is not handed over."""
        self._drops = drops
        self._oddities = Oddities() if oddities is None else oddities
        self._duplicates: Counter[str] = Counter() if duplicates is None else duplicates
        self._redacted = redacted
        self._redacted_before: dict[str, int] = {}
        self._received: Counter[str] = Counter()
        self._window_low = 0
        self._begin_window()

    def _begin_window(self) -> None:
        self._cells: defaultdict[Run, dict[_CellKey, Cell[Clean]]] = defaultdict(dict)
        self._requests: dict[Run, Cell[Request]] = {}
        self._scores: defaultdict[Run, Scores] = defaultdict(Scores)
        self._measured: defaultdict[Run, Measured] = defaultdict(Measured)

    def open_window(self, position: int, start_ns: int) -> None:
        """Begin the window from `start_ns` on, whose first frame is at `position`."""
        self._window_low = position
        self._runs.open_window(start_ns)

    @property
    def low(self) -> int | None:
        """First frame of the oldest window that has something in it that is not handed over."""
        if self.rows_low is not None:
            return self.rows_low
        something = self._cells or self._requests or self._scores or self._measured
        return self._window_low if something or self._received.total() or self._drops.total() else None

    def received(self, **items: int) -> None:
        """Count items of any kind as received, by the names of `metrics.HEALTH`."""
        self._received.update(items)

    def generation(self, call: Clean, verdict: Verdict) -> None:
        """Count what is a call to a model, or what `gather` found to stand for some."""
        family = FAMILY_OF.get(call.operation) or (Family.LLM if call.counting else None)
        if family is None:
            return
        self._needs_window()
        run = self._runs.of((call.service, call.experiment, call.arm))
        cells, key = self._cells[run], (family, call.operation, self._runs.model(run, call.model))
        own = cells.get(key)
        if own is None:
            own = cells[key] = Cell(_COLUMNS[family])
        own.add(call)
        if self._rows.has_room(verdict):
            self._rows.add(run, tables.GENERATIONS, verdict, self._shown(call))

    def request(self, request: Request, verdict: Verdict) -> None:
        """Count a request. One that is amended has been counted: only its row changes."""
        self._needs_window()
        run = self._runs.of((request.service, request.experiment, request.arm))
        if request.revision == 1:
            if run not in self._requests:
                self._requests[run] = Cell(cell.REQUEST)
            self._requests[run].add(request)
        if self._rows.has_room(verdict):
            self._rows.add(run, tables.REQUESTS, verdict, request)

    def evaluation(self, evaluation: CleanEvaluation) -> None:
        """Count an evaluation, in the run of who judged. All are kept: they are few, and what sampling is for."""
        run = self._runs.of((evaluation.service, "", ""))
        self._scores[run].add(evaluation)
        self._needs_window()
        self._rows.add_unsampled(run, tables.FEEDBACK, evaluation)

    def measured(self, home: Home, readings: Iterable[Reading]) -> None:
        """Count what a sender measured itself."""
        measured = self._measured[self._runs.of(home)]
        for reading in readings:
            measured.add(reading)

    def close_window(self, *, rows_due: bool) -> tuple[RunUpdate, ...]:
        """What the window adds to each run, and all rows so far if they are due."""
        points = {run: _call_points(cells) for run, cells in self._cells.items()}
        for run, requests in self._requests.items():
            points.setdefault(run, {}).update(requests.points("request"))
        for told in (self._scores, self._measured):
            for run, some in told.items():
                points.setdefault(run, {}).update(some.points())
        due: Mapping[Run, Mapping[str, PackedRows]] = self._rows.take() if rows_due else {}
        if rows_due:
            self.rows_low = None
            self._shown.rows_handed_over()
        points |= self._health()
        self._begin_window()
        runs = dict.fromkeys([*points, *due])
        return tuple(_update(run, points.get(run, {}), due.get(run, {})) for run in runs)

    def _health(self) -> dict[Run, dict[str, Point]]:
        points: dict[str, Point] = {f"spanwand/{name}": count for name, count in self._received.items()}
        points |= {f"spanwand/dropped/{reason}": count for reason, count in sorted(self._drops.items()) if count}
        points |= {f"spanwand/odd/{oddity}": count for oddity, count in sorted(self._oddities.items())}
        points |= {f"spanwand/duplicates/{rule}": count for rule, count in sorted(self._duplicates.items())}
        self._duplicates.clear()
        for pattern, count in sorted(self._redacted.items()):
            if new := count - self._redacted_before.get(pattern, 0):
                points[f"spanwand/redacted/{pattern}"] = new
        self._received.clear()
        self._drops.clear()
        self._oddities.clear()
        self._redacted_before = dict(self._redacted)
        return {HEALTH_RUN: points} if any(points.values()) else {}

    def _needs_window(self) -> None:
        """A row was decided about: whether it is kept or not, rows behind it depend on that."""
        if self.rows_low is None:
            self.rows_low = self._window_low


def _call_points(cells: Mapping[_CellKey, Cell[Clean]]) -> dict[str, Point]:
    """Points of all calls together, of those of each operation, and of each model."""
    groups: defaultdict[str, list[Cell[Clean]]] = defaultdict(list)
    for (family, operation, model), own in cells.items():
        for prefix in (f"{family}", f"{family}/by_operation/{operation}", f"{family}/by_model/{model}"):
            groups[prefix].append(own)
    points: dict[str, Point] = {}
    for prefix, some in groups.items():
        points |= cell.together(some).points(prefix)
    return points


def _update(run: Run, points: dict[str, Point], rows: Mapping[str, PackedRows]) -> RunUpdate:
    return RunUpdate(run=run.key, config=run.config, tags=run.tags, points=points, rows={**rows})
