"""Points of OTLP metrics -> what they add to the history: increases of counters, states, distributions.

A cumulative counter adds what it grew by since its point before. That one is remembered by series, for as long as
`FORGOTTEN_NS` of quiet, and `low` keeps the journal for it; so a replay from there finds the same increases.

Of a series that was not seen before, the value counts if the series itself is younger than that. Else nobody knows
what of it was counted: it counts from its next point on.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator

import msgspec

from spanwand.config import MeasureConfig
from spanwand.dialects import hardware
from spanwand.dialects.metrics import PARSERS, SOURCES, Part, is_blank, plain_name, sources
from spanwand.drops import DropReason, Drops
from spanwand.measurement import Distribution, Measurement, Reading, Temporality
from spanwand.metrics import Kind, in_a_key

FORGOTTEN_NS = 300 * 1_000_000_000
"""Quiet after which a series is forgotten: five of the intervals at which SDKs export."""

_LONGEST_NAME = 64
"""Characters of a device's name, in a key."""

Value = float | Distribution


class _Last(msgspec.Struct, frozen=True):
    """The last point of a series."""

    arrival_ns: int
    position: int
    start_ns: int
    time_ns: int
    value: Value


class Measure:
    """Turns points into readings. Positions and windows as in `Gather`."""

    parsers = PARSERS

    def __init__(self, config: MeasureConfig, drops: Drops, clean: Callable[[str], str]) -> None:
        """`clean` takes out of a name what must not leave."""
        self._clean = clean
        self._allowed = {plain_name(name): in_a_key(plain_name(name)) for name in config.allow}
        self._max_series = config.max_series
        self._drops = drops
        self._last: OrderedDict[bytes, _Last] = OrderedDict()  # by arrival, so positions ascend too
        self._position = 0
        self._in_window: set[bytes] = set()

    def open_window(self, position: int, start_ns: int) -> None:
        """Begin a window whose first frame is at `position`, and forget what is too old for it."""
        self._position = position
        self._in_window.clear()
        last = self._last
        while last and next(iter(last.values())).arrival_ns < start_ns - FORGOTTEN_NS:
            last.popitem(last=False)

    def forget(self, before: int) -> None:
        """Let go of what came before a position: those counters count from their next point on."""
        while self._last and next(iter(self._last.values())).position < before:
            self._last.popitem(last=False)

    @property
    def low(self) -> int | None:
        """First frame of the oldest window that a remembered point came in."""
        return next((last.position for last in self._last.values()), None)

    def wanted(self, name: str) -> bool:
        """Whether anything is made of a metric, here or by what reads GPUs out of it."""
        plain = plain_name(name)
        return plain in SOURCES or plain in self._allowed or name in hardware.NAMES

    def __call__(self, points: Iterable[Measurement], arrival_ns: int) -> Iterator[tuple[Measurement, list[Reading]]]:
        """Yield the points that count, each with its readings."""
        for point in points:
            if not self._has_room(point.series):
                self._drops[DropReason.SERIES_OVERFLOW] += 1
                continue
            if isinstance(point.value, float) and is_blank(point.name, point.value):
                continue
            value = self._increase(point, arrival_ns)
            if value is not None:
                yield point, list(self._readings(point, value))

    def _named(self, device: str) -> str:
        return in_a_key(self._clean(device)[:_LONGEST_NAME])

    def _has_room(self, series: bytes) -> bool:
        if series not in self._in_window and len(self._in_window) >= self._max_series:
            return False
        self._in_window.add(series)
        return True

    def _increase(self, point: Measurement, arrival_ns: int) -> Value | None:
        """What a point adds; of a state, the state. `None` if it came before, or its series is new and yet old."""
        if point.temporality is Temporality.STATE:
            return point.value
        before = self._last.get(point.series)
        if before is not None and point.time_ns <= before.time_ns:  # sent again, or late
            self._drops[DropReason.DUPLICATE] += 1
            return None
        self._last[point.series] = _Last(arrival_ns, self._position, point.start_ns, point.time_ns, point.value)
        self._last.move_to_end(point.series)
        if point.temporality is Temporality.DELTA:
            return point.value
        if before is None:
            return point.value if point.time_ns - point.start_ns < FORGOTTEN_NS else None
        return _difference(point, before)

    def _readings(self, point: Measurement, value: Value) -> Iterator[Reading]:
        name = plain_name(point.name)
        for key, source in sources(point.name, point.attributes, self._named):
            taken = _part(value, source.part, source.scale)
            if taken is not None:
                yield Reading(
                    key=key,
                    kind=_kind(point, taken),
                    series=point.series,
                    value=taken,
                    mean=source.mean,
                )
        if name in self._allowed:
            yield from _as_allowed(f"otel/{self._allowed[name]}", point, value)


def _kind(point: Measurement, value: Value) -> Kind:
    if isinstance(value, Distribution):
        return Kind.QUANTILE
    return Kind.GAUGE if point.temporality is Temporality.STATE else Kind.SUM


def _as_allowed(key: str, point: Measurement, value: Value) -> Iterator[Reading]:
    """Readings of a metric of which nothing is known but its name: how it was sent says what may be done with it."""
    if isinstance(value, Distribution):
        yield Reading(key=f"{key}/count", kind=Kind.SUM, series=point.series, value=float(value.count))
        yield Reading(key=f"{key}/sum", kind=Kind.SUM, series=point.series, value=value.sum)
        yield Reading(key=key, kind=Kind.QUANTILE, series=point.series, value=value)
    elif point.temporality is Temporality.STATE:
        yield Reading(key=key, kind=Kind.GAUGE, series=point.series, value=value, mean=True)
    else:
        yield Reading(key=f"{key}/increase", kind=Kind.SUM, series=point.series, value=value)


def _part(value: Value, part: Part, scale: float) -> Value | None:
    """The part of a value in our unit; `None` if it has no such part."""
    if not isinstance(value, Distribution):
        return value * scale if part is Part.VALUE else None
    if part is Part.SUM:
        return value.sum * scale
    if part is Part.COUNT:
        return float(value.count)
    return value


def _difference(point: Measurement, before: _Last) -> Value:
    """How much a cumulative series grew. One that shrank, or says so, began anew: all of it is growth."""
    now, then = point.value, before.value
    if point.start_ns > before.start_ns:
        return now
    if isinstance(now, Distribution) and isinstance(then, Distribution):
        return _grown(now, then)
    if isinstance(now, Distribution) or isinstance(then, Distribution) or now < then:
        return now
    return now - then


def _grown(now: Distribution, then: Distribution) -> Distribution:
    if now.count < then.count:
        return now
    counted = dict(then.buckets)
    buckets = tuple((middle, count - counted.pop(middle, 0)) for middle, count in now.buckets)
    whole = not any(counted.values()) and all(
        count >= 0 for _, count in buckets
    )  # else the sender has drawn its buckets anew
    return Distribution(now.count - then.count, now.sum - then.sum, buckets if whole else ())
