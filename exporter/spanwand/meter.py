"""Readings of GPUs -> the history of every run that is live: means of states, growth of counters, window by window.

A device works for whoever is on the machine, so its figures belong to the run of each service heard of lately. One that
has been quiet for `LIVE_NS` gets no more of them, and a machine without services makes no history at all: nobody pays
for an idle GPU's charts.

As with any counter (`measure`), growth needs the reading before. It is remembered, like the services, for as long as
`low` keeps the journal for it, so a replay from there finds the same growth and the same runs; but not if that is more
than `max_journal_bytes`.
"""

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec

from spanwand.drops import DropReason, Drops
from spanwand.gpu_growth import growth
from spanwand.gpu_points import gpu_samples
from spanwand.gpu_sample import GpuSample, decode
from spanwand.measurement import Measurement, Reading
from spanwand.metrics import Kind, in_a_key
from spanwand.runs import Home
from spanwand.span import Span, SpanResource

Pair = tuple[GpuSample, GpuSample]
"""Two readings of one device, one after the other."""
MOST_DEVICES = 256
"""Of which apps may tell; more are not from one machine."""
LIVE_NS = 300 * 1_000_000_000
"""Quiet after which a service, or a device, is forgotten."""

STATES: Mapping[str, str] = {
    name: name
    for name in (
        *("utilization", "memory_utilization", "memory_used_bytes", "memory_total_bytes", "power_w", "power_limit_w"),
        *("temperature_c", "sm_clock_mhz", "memory_clock_mhz", "encoder_utilization", "decoder_utilization"),
    )
} | {"is_throttled": "throttled"}
"""Fields of a sample that are states, and the last part of their key."""
PEAKS = ("utilization_peak", "power_peak_w")
"""Fields, and last parts of keys, of which a window has the largest."""


class _Last(msgspec.Struct, frozen=True):
    """The last reading of a device, whether an app made it, and whether the device has been read here too."""

    arrival_ns: int
    position: int
    sample: GpuSample
    by_app: bool
    here: bool


class _Heard(msgspec.Struct, frozen=True):
    """When a service was last heard of: in the window at `position`. A replay finds it from `needed` on."""

    arrival_ns: int
    position: int
    needed: int


class _Device:
    """What a window's readings say of one device."""

    def __init__(self, index: str) -> None:
        self.index = index
        self.sums: defaultdict[str, float] = defaultdict(float)
        self.readings: Counter[str] = Counter()
        self.peaks: dict[str, float] = {}
        self.growth: defaultdict[str, float] = defaultdict(float)

    def add(self, sample: GpuSample) -> None:
        for field in STATES:
            value = getattr(sample, field)
            if value is not None:
                self.sums[field] += value
                self.readings[field] += 1
        for field in PEAKS:
            value = getattr(sample, field)
            if value is not None:
                self.peaks[field] = max(value, self.peaks.get(field, value))


class Meter:
    """The devices of late, and who may want to know of them. Positions and windows as in `Gather`."""

    def __init__(self, max_journal_bytes: int, drops: Drops) -> None:
        self._max_journal_bytes = max_journal_bytes
        self._drops = drops
        self._position = 0
        self.clear()

    def clear(self) -> None:
        """Remember nothing."""
        self._last: dict[str, _Last] = {}
        self._homes: OrderedDict[Home, _Heard] = OrderedDict()  # by arrival
        self._window: dict[str, _Device] = {}
        self._settle()

    def open_window(self, position: int, start_ns: int) -> None:
        """Begin a window whose first frame is at `position`, and forget what is too old for it."""
        self._position = position
        oldest_ns, oldest = start_ns - LIVE_NS, position - self._max_journal_bytes
        self._last = {
            uuid: last for uuid, last in self._last.items() if last.arrival_ns >= oldest_ns and last.position >= oldest
        }
        while self._homes and _is_older(next(iter(self._homes.values())), oldest_ns, oldest):
            self._homes.popitem(last=False)
        self._settle()

    @property
    def low(self) -> int | None:
        """First frame that something remembered here needs."""
        positions = [heard.needed for heard in self._homes.values()]
        return min((self._for_growth, *positions) if self._last else positions, default=None)

    @property
    def waiting_low(self) -> int | None:
        """First frame of the window if it has something for a run."""
        return self._position if self._window and self._homes else None

    def hear(
        self, items: Iterable[Span | Measurement], home_of: Callable[[SpanResource], Home], arrival_ns: int
    ) -> None:
        """Some services have sent something. Nobody is remembered before the first reading of a device.

        All that came counts, sent again or not, or a replay would hear of others.
        """
        if self._last:
            for resource in {id(item.resource): item.resource for item in items}.values():
                home = home_of(resource)
                self._homes[home] = _Heard(arrival_ns, self._position, self._for_growth)
                self._homes.move_to_end(home)

    def __call__(self, body: bytes, arrival_ns: int) -> list[Pair]:
        """Take a frame of readings; returns each, but the first one of a device, with the one before it."""
        try:
            samples = decode(body)
        except ValueError:
            self._drops[DropReason.UNDECODABLE] += 1
            return []
        pairs = [self._read_here(sample, arrival_ns) for sample in samples if not sample.trouble]
        return [pair for pair in pairs if pair is not None]

    def sent(
        self, points: Sequence[Measurement], home_of: Callable[[SpanResource], Home], arrival_ns: int
    ) -> tuple[list[Pair], list[Measurement]]:
        """Take what apps read of devices that are not read here. Returns pairs as above, and the points left over."""
        samples, others = gpu_samples(points)
        pairs = [self._read_by_app(sample, arrival_ns) for sample in samples]
        self.hear(points, home_of, arrival_ns)
        return [pair for pair in pairs if pair is not None], others

    def close_window(self, more: Iterable[Reading] = ()) -> list[tuple[Home, list[Reading]]]:
        """What the window's readings, and `more` that is known of the devices, add to each live run."""
        devices, self._window = self._window, {}
        self._settle()
        readings = [reading for uuid, device in devices.items() for reading in _readings(uuid, device)]
        readings += more
        return [(home, readings) for home in self._homes] if readings else []

    def _settle(self) -> None:
        """Between two windows: the growth of the next one begins with the last readings so far."""
        self._for_growth = min((last.position for last in self._last.values()), default=self._position)

    def _read_here(self, sample: GpuSample, arrival_ns: int) -> Pair | None:
        """What an app says until the first reading of our own is newer comes first: frames of ours take their time."""
        last = self._last.get(sample.uuid)
        if last is None or not last.by_app or sample.time_ns > last.sample.time_ns:
            return self._take(sample, arrival_ns, by_app=False)
        self._last[sample.uuid] = msgspec.structs.replace(last, here=True)
        return None

    def _read_by_app(self, sample: GpuSample, arrival_ns: int) -> Pair | None:
        """Of one device several processes may say the same; out of order, its counters would seem to begin anew.

        None is read after it arrived: the app's clock is ahead then, as it is for its calls (`Attribute.waits`).
        """
        if sample.time_ns > arrival_ns:
            sample = msgspec.structs.replace(sample, time_ns=arrival_ns)
        last = self._last.get(sample.uuid)
        if last is None and len(self._last) >= MOST_DEVICES:
            self._drops[DropReason.SERIES_OVERFLOW] += 1
        elif last is not None and (last.here or sample.time_ns <= last.sample.time_ns):
            self._drops[DropReason.DUPLICATE] += 1
        else:
            return self._take(sample, arrival_ns, by_app=True)
        return None

    def _take(self, sample: GpuSample, arrival_ns: int, *, by_app: bool) -> Pair | None:
        device = self._window.get(sample.uuid)
        if device is None:
            device = self._window[sample.uuid] = _Device(sample.index)
        device.add(sample)
        last = self._last.get(sample.uuid)
        self._last[sample.uuid] = _Last(arrival_ns, self._position, sample, by_app, not by_app)
        if last is None:
            return None
        for key, grown in growth(last.sample, sample):
            device.growth[key] += grown
        return last.sample, sample


def _is_older(heard: _Heard, oldest_ns: int, oldest: int) -> bool:
    return heard.arrival_ns < oldest_ns or heard.position < oldest


def _readings(uuid: str, device: _Device) -> Iterator[Reading]:
    prefix, series = f"gpu/{in_a_key(device.index)}", uuid.encode()
    for field, total in device.sums.items():
        mean = total / device.readings[field]
        yield Reading(key=f"{prefix}/{STATES[field]}", kind=Kind.GAUGE, series=series, value=mean, mean=True)
    for field, peak in device.peaks.items():
        yield Reading(key=f"{prefix}/{field}", kind=Kind.GAUGE, series=series, value=peak, mean=True)
    for key, grown in device.growth.items():
        yield Reading(key=f"{prefix}/{key}", kind=Kind.SUM, series=series, value=grown)
