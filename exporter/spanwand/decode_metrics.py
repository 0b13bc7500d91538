"""The first stage for metrics: the bytes of an OTLP metrics request -> the points whose metric is wanted.

The others cost a look at the metric's name. A point's attributes are read once per series, like those of spans.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import pairwise

from google.protobuf.message import DecodeError

from spanwand.drops import DropReason, Drops
from spanwand.key_values import KeyValues
from spanwand.measurement import Buckets, Distribution, Measurement, Temporality
from spanwand.otlp.v1 import metrics_view_pb2 as view
from spanwand.span import Parser, SpanResource

_DELTA = 1
_MOST_BUCKETS = 1_000
"""Of one histogram; the conventions' longest has 16, an exponential one 160."""

Point = view.NumberDataPoint | view.HistogramDataPoint | view.ExponentialHistogramDataPoint
Value = float | Distribution


class DecodeMetrics:
    """Reads requests. `wanted` says which metric names are worth a look, `parsers` which attributes are read."""

    def __init__(self, wanted: Callable[[str], bool], parsers: Mapping[str, Parser], drops: Drops) -> None:
        self._wanted = wanted
        self._attributes = KeyValues(parsers).attributes
        self._drops = drops

    def __call__(self, body: bytes) -> tuple[list[Measurement], int]:
        """Return the points of wanted metrics and the number of all points. Never raises on what `body` holds."""
        try:
            request = view.MetricsRequest.FromString(body)
        except DecodeError:
            self._drops[DropReason.UNDECODABLE] += 1
            return [], 0
        found: list[Measurement] = []
        received = 0
        for sent in request.resource_metrics:
            resource = SpanResource(self._attributes(sent.resource.attributes))
            origin = _digest(*sent.resource.attributes)
            for metric in (metric for scope in sent.scope_metrics for metric in scope.metrics):
                received += len(_points(metric))
                if self._wanted(metric.name):
                    found += self._measurements(metric, resource, origin)
        return found, received

    def _measurements(self, metric: view.Metric, resource: SpanResource, origin: bytes) -> Iterator[Measurement]:
        temporality = _temporality(metric)
        for point in _points(metric):
            value = _value(point)
            if value is None:
                continue
            yield Measurement(
                name=metric.name,
                series=_digest(metric.name.encode(), origin, *sorted(point.attributes)),
                attributes=self._attributes(point.attributes),
                resource=resource,
                temporality=temporality,
                start_ns=point.start_time_unix_nano,
                time_ns=point.time_unix_nano,
                value=value,
            )


def _digest(*parts: bytes) -> bytes:
    """What tells series apart, short whatever their senders' names."""
    digest = blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(8) + part)
    return digest.digest()


def _points(metric: view.Metric) -> Sequence[Point]:
    kind = metric.WhichOneof("data")
    return getattr(metric, kind).data_points if kind else ()


def _temporality(metric: view.Metric) -> Temporality:
    kind = metric.WhichOneof("data")
    if kind == "gauge" or (kind == "sum" and not metric.sum.is_monotonic):
        return Temporality.STATE
    sent = getattr(metric, kind or "sum").aggregation_temporality
    return Temporality.DELTA if sent == _DELTA else Temporality.CUMULATIVE


def _value(point: Point) -> Value | None:
    """What a point holds; `None` if it has no value (the flag of a series that ended), or a histogram no shape."""
    if isinstance(point, view.NumberDataPoint):
        kind = point.WhichOneof("value")
        return float(getattr(point, kind)) if kind else None
    counts = point.bucket_counts if isinstance(point, view.HistogramDataPoint) else point.positive.bucket_counts
    if len(counts) > _MOST_BUCKETS:
        return None
    return Distribution(point.count, point.sum, tuple(_buckets(point)))


def _buckets(point: view.HistogramDataPoint | view.ExponentialHistogramDataPoint) -> Buckets:
    if isinstance(point, view.HistogramDataPoint):
        return _explicit(point.explicit_bounds, point.bucket_counts)
    base = 2.0 ** (2.0 ** -max(-10, min(point.scale, 20)))
    exponents = range(point.positive.offset, point.positive.offset + len(point.positive.bucket_counts))
    return [(0.0, point.zero_count), *zip(_middles(base, exponents), point.positive.bucket_counts, strict=True)]


def _middles(base: float, exponents: range) -> Iterator[float]:
    """The geometric middle of each bucket `(base ** i, base ** (i + 1)]`."""
    for exponent in exponents:
        try:
            yield base ** (exponent + 0.5)
        except OverflowError:
            yield float("inf")


def _explicit(bounds: Iterable[float], counts: Sequence[int]) -> Buckets:
    """Buckets by their upper bounds. The first begins at 0, the last has no end: its lower bound stands for it."""
    edges = [0.0, *bounds]
    middles = [(low + high) / 2 for low, high in pairwise(edges)]
    return list(zip((*middles, edges[-1]), counts, strict=False))
