"""A line that is fed readings of GPUs and calls, second by second, and the rows that come out of it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from spanwand.batch import Batch
from spanwand.config import AttributionConfig, GpuConfig, LineConfig, PriceConfig
from spanwand.gpu_sample import GpuSample, encode
from spanwand.pipeline import Pipeline
from spanwand.span import AttributeValue, Span, SpanResource
from spanwand.tables import TABLES
from tests.support.records import trace_id
from tests.support.spans import parsed

SECOND_NS = 1_000_000_000
TEN_SECONDS = range(11)
BEGUN_NS = 1_790_000_000 * SECOND_NS
IMAGE: dict[str, AttributeValue] = {
    "gen_ai.operation.name": "image_generation",
    "gen_ai.provider.name": "diffusers",
    "gen_ai.request.model": "tiny-diffusion",
}


class GpuLine:
    """Times are seconds since the beginning. Whatever arrives, arrives in order."""

    def __init__(self, config: LineConfig | None = None) -> None:
        self._line = Pipeline(config or LineConfig(), b"k" * 32)
        self._batches: list[Batch] = []
        self._position = self._calls = 0

    def reads(self, *seconds: float, watts: float = 100.0, **fields: Any) -> None:
        """A GPU is read at these times; each reading arrives at once. `fields` are those of a sample."""
        for at_s in seconds:
            sample = {"uuid": "GPU-0", "index": "0", "energy_mj": round(at_s * watts * 1_000), **fields}
            self._keep(self._line.gpus(*self._at(at_s), encode([GpuSample(time_ns=BEGUN_NS + ns(at_s), **sample)])))

    def called(
        self,
        start_s: float,
        end_s: float,
        more: Mapping[str, AttributeValue] | None = None,
        *,
        arrival_s: float | None = None,
        **fields: Any,
    ) -> None:
        """A call ends, and arrives at once unless it says when. In a trace of its own, unless it says which."""
        self._calls += 1
        resource = SpanResource(parsed({"service.name": "studio", **fields.pop("resource", {})}))
        values: dict[str, Any] = {
            "trace_id": trace_id(self._calls),
            "span_id": self._calls.to_bytes(8, "big"),
            "start_ns": BEGUN_NS + ns(start_s),
            "end_ns": BEGUN_NS + ns(end_s),
            "attributes": parsed({**IMAGE, **(more or {})}),
        }
        sent = Span(**values | fields, name="call", resource=resource)
        where = self._at(end_s if arrival_s is None else arrival_s)
        self._keep(self._line.spans(*where, [sent], 1))
        self._line._meter.hear([sent], self._line._normalise.home, where[2])

    def waits(self, until_s: float) -> None:
        """Time passes."""
        self._keep(self._line.tick(*self._at(until_s)))

    def ends(self, at_s: float) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """The rows of all tables by column, once all is over."""
        self._keep(self._line.drain(*self._at(at_s)))
        rows: dict[str, list[Mapping[str, Any]]] = {table: [] for table in TABLES}
        for update in (update for batch in self._batches for update in batch.updates):
            for table, some in update.rows.items():
                names = [column.name for column in TABLES[table]]
                rows[table] += [dict(zip(names, row, strict=True)) for row in some]
        return rows

    @property
    def waits_for_shares(self) -> bool:
        """Whether a call does."""
        return bool(self._line._attribute._traces)

    @property
    def totals(self) -> Mapping[str, float]:
        """Sums of all points that came out."""
        totals = Counter[str]()
        for update in (update for batch in self._batches for update in batch.updates):
            totals.update(update.points)
        return totals

    def _at(self, seconds: float) -> tuple[int, int, int]:
        self._position += 10
        return self._position - 10, self._position, BEGUN_NS + ns(seconds)

    def _keep(self, batch: Batch | None) -> None:
        self._batches += [batch] if batch else []


def ns(seconds: float) -> int:
    """Nanoseconds."""
    return round(seconds * SECOND_NS)


def configured(prices: str = "", **attribution: Any) -> LineConfig:
    gpu = GpuConfig(attribution=AttributionConfig(**attribution))
    return LineConfig(gpu=gpu, price=PriceConfig(file=prices))


def shares(line: GpuLine, at_s: float = 60) -> list[tuple[Any, Any]]:
    """Seconds and joules of each call, in the order in which they came."""
    rows = sorted(line.ends(at_s)["generations"], key=lambda row: str(row["span_id"]))
    return [(row["gpu_seconds"], row["gpu_joules"]) for row in rows]


def one(line: GpuLine, at_s: float = 60, of: int = 1) -> dict[str, Any]:
    """The share of the only call, or of the last one of so many."""
    *others, row = line.ends(at_s)["generations"]
    assert len(others) == of - 1
    return {name.removeprefix("gpu_"): cell for name, cell in row.items() if name.startswith("gpu_")}
