"""The numbers of one window for one model of one run, or for its requests.

What a record adds is a row of values; rows are kept for a moment and then added up column by column, which costs half
of updating each number for each record. A value that is not known takes no part: a sum of none is absent, not 0.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar, cast

import msgspec

from spanwand.elapsed import elapsed_s
from spanwand.record import NO_TIMING, Clean, GpuShare, ImageParams
from spanwand.request import Request
from spanwand.sketch import LARGEST, Sketch

_BUFFERED_ROWS = 256

Value = float | int | None
Point = float | int
R = TypeVar("R")


class Columns(msgspec.Struct, Generic[R], frozen=True, kw_only=True):
    """What a kind of record adds to a cell. `read` gives the values of `counts`, `sums` and `quantiles`, in order."""

    counts: tuple[str, ...]
    sums: tuple[str, ...]
    quantiles: Mapping[str, tuple[int, ...]]
    read: Callable[[R], tuple[Value, ...]]


_NO_IMAGE = ImageParams()
_NO_GPUS: tuple[Value, Value, Value] = (None, None, None)
_GPU_SUMS = ("gpu_seconds", "gpu_joules", "gpu_co2e_g")


def _ratio(amount: float | None, by: float | None) -> float | None:
    return amount / by if amount is not None and by else None


def _time_per_output_token_s(call: Clean, latency_s: float | None) -> float | None:
    """As the engine says; else the time after the first token by the number of those that followed."""
    timing, tokens = call.timing, call.usage.output_tokens
    if timing.time_per_output_token_s is not None:
        return timing.time_per_output_token_s
    if timing.ttft_s is None or latency_s is None or not tokens or latency_s < timing.ttft_s:
        return None
    return _ratio(latency_s - timing.ttft_s, tokens - 1)


def _tries(call: Clean) -> tuple[tuple[bool, bool, bool], float | None]:
    """A call, a failed one, or no call of its own: a try that failed and was made again. And the latency of a call;
    how long a try took that was made again says nothing about the model.
    """
    if call.counting is not None and call.counting.is_retried:
        return (False, False, True), None
    return (True, call.failure is not None, False), elapsed_s(call.start_ns, call.end_ns)


def _of_gpus(share: GpuShare | None) -> tuple[Value, Value, Value]:
    return _NO_GPUS if share is None else (share.seconds, share.joules, share.co2e_g)


def _read_llm(call: Clean) -> tuple[Value, ...]:
    usage, cost, timing, (tries, latency_s) = call.usage, call.cost, call.timing, _tries(call)
    cost_usd, output_tokens = cost.usd, usage.output_tokens
    return (
        *tries,
        cost_usd is None,
        cost.mismatched is True,
        usage.input_tokens,
        output_tokens,
        usage.cached_input_tokens,
        usage.cache_write_input_tokens,
        usage.reasoning_output_tokens,
        cost_usd,
        cost.reported_usd,
        *_of_gpus(call.gpu),
        latency_s,
        timing.ttft_s,
        _time_per_output_token_s(call, latency_s) if timing is not NO_TIMING else None,
        output_tokens / latency_s if output_tokens is not None and latency_s else None,
    )


def _read_diffusion(call: Clean) -> tuple[Value, ...]:
    image, cost_usd, (tries, latency_s) = call.image or _NO_IMAGE, call.cost.usd, _tries(call)
    return (
        *tries,
        cost_usd is None,
        call.cost.mismatched is True,
        image.images,
        image.safety_flagged,
        cost_usd,
        call.cost.reported_usd,
        *_of_gpus(call.gpu),
        latency_s,
        _ratio(image.images, latency_s),
        _ratio(call.timing.denoise_s, image.steps),
    )


def _read_request(request: Request) -> tuple[Value, ...]:
    return (
        True,
        request.errors > 0,
        request.retries,
        request.fallbacks,
        request.retrievals,
        request.latency_s,
        request.critical_path_s,
        request.cost_usd,
        request.generations,
    )


LLM = Columns[Clean](
    counts=("requests", "errors", "retries", "unpriced", "cost_mismatches"),
    sums=(
        "input_tokens",
        "output_tokens",
        "cached_input_tokens",
        "cache_write_input_tokens",
        "reasoning_output_tokens",
        "cost_usd",
        "reported_cost_usd",
        *_GPU_SUMS,
    ),
    quantiles={
        "latency_s": (50, 95, 99),
        "ttft_s": (50, 95),
        "time_per_output_token_s": (50, 95),
        "output_tokens_per_s": (50,),
    },
    read=_read_llm,
)
DIFFUSION = Columns[Clean](
    counts=("requests", "errors", "retries", "unpriced", "cost_mismatches"),
    sums=("images", "safety_flagged", "cost_usd", "reported_cost_usd", *_GPU_SUMS),
    quantiles={"latency_s": (50, 95), "images_per_s": (50,), "step_s": (50,)},
    read=_read_diffusion,
)
REQUEST = Columns[Request](
    counts=("count", "errors", "retries", "fallbacks", "retrievals"),
    sums=(),
    quantiles={"latency_s": (50, 95, 99), "critical_path_s": (50, 95), "cost_usd": (50, 95), "generations": (50,)},
    read=_read_request,
)


class Cell(Generic[R]):
    """Counts, sums and sketches of some records. Bounded: a few kilobytes, however many records."""

    def __init__(self, columns: Columns[R]) -> None:
        self.columns = columns
        self._rows: list[tuple[Value, ...]] = []
        self._totals: dict[str, Point | None] = dict.fromkeys(columns.counts, 0) | dict.fromkeys(columns.sums)
        self._sketches = {name: Sketch() for name in columns.quantiles}

    def add(self, record: R) -> None:
        """Count a record."""
        self._rows.append(self.columns.read(record))
        if len(self._rows) >= _BUFFERED_ROWS:
            self._add_up()

    def merge(self, other: "Cell[R]") -> None:
        """Count all that `other`, a cell of the same columns, has counted."""
        self._add_up()
        other._add_up()
        for name, total in other._totals.items():
            self._add(name, total)
        for name, sketch in other._sketches.items():
            self._sketches[name].merge(sketch)

    def points(self, prefix: str) -> dict[str, Point]:
        """The points of this cell, by key. Only what is known; only finite numbers."""
        self._add_up()
        points = {f"{prefix}/{name}": total for name, total in self._totals.items() if total is not None}
        for name, percentiles in self.columns.quantiles.items():
            quantiles = self._sketches[name].quantiles(percentiles)
            points |= {f"{prefix}/{name}/p{p}": value for p, value in quantiles.items()}
        return points

    def _add_up(self) -> None:
        values = zip(*self._rows, strict=True)
        self._rows = []
        for name, counts in zip(self.columns.counts, values, strict=False):
            self._add(name, sum(cast("Sequence[int]", counts)))  # they are ours, and always known
        for name, amounts in zip(self.columns.sums, values, strict=False):
            if known := _known(amounts):
                self._add(name, sum(known))
        for name, amounts in zip(self.columns.quantiles, values, strict=False):
            self._sketches[name].add(_known(amounts))

    def _add(self, name: str, amount: Point | None) -> None:
        if amount is not None:
            self._totals[name] = (self._totals[name] or 0) + amount


def together(cells: Sequence[Cell[R]]) -> Cell[R]:
    """What all `cells`, at least one and of the same columns, have counted."""
    if len(cells) == 1:
        return cells[0]
    total = Cell(cells[0].columns)
    for one in cells:
        total.merge(one)
    return total


def _known(values: Sequence[Value]) -> Sequence[Point]:
    """What is known and no garbage: below 0, above `LARGEST` (where whole numbers are not exact), or not a number."""
    unknown = values.count(None)  # of most columns none is, or all are, and counting is a tenth of looking at each
    if unknown == len(values):
        return ()
    known = [value for value in values if value is not None] if unknown else cast("Sequence[Point]", values)
    # The sum is for NaN, which hides from min and max.
    if min(known) >= 0 and max(known) <= LARGEST and sum(known) >= 0:
        return known
    return [value for value in known if 0 <= value <= LARGEST]
