"""The OTLP metrics of one window for one run."""

from collections import defaultdict

from spanwand.measurement import Distribution, Reading
from spanwand.metrics import PERCENTILES, Kind
from spanwand.sketch import LARGEST, Sketch

Point = float | int


class Measured:
    """Sums of increases, last states by series, sketches of distributions. Bounded by the series of a window."""

    def __init__(self) -> None:
        self._sums: defaultdict[str, float] = defaultdict(float)
        self._states: defaultdict[tuple[str, bool], dict[bytes, float]] = defaultdict(dict)
        self._sketches: defaultdict[str, Sketch] = defaultdict(Sketch)

    def add(self, reading: Reading) -> None:
        """Take a reading; no garbage: below 0 for what counts, not finite, or too large to be added up."""
        value = reading.value
        if isinstance(value, Distribution):
            for middle, count in value.buckets:
                if count and 0 <= middle <= LARGEST:
                    self._sketches[reading.key].add_some(middle, count)
        elif reading.kind is Kind.GAUGE:
            if -LARGEST <= value <= LARGEST:
                self._states[reading.key, reading.mean][reading.series] = value
        elif 0 <= value <= LARGEST:
            self._sums[reading.key] += value

    def points(self) -> dict[str, Point]:
        """The points of the window, by key."""
        points: dict[str, Point] = dict(self._sums)
        for (key, mean), states in self._states.items():
            points[key] = sum(states.values()) / (len(states) if mean else 1)
        for key, sketch in self._sketches.items():
            points |= {f"{key}/p{p}": value for p, value in sketch.quantiles(PERCENTILES).items()}
        return points
