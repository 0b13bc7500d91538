"""The GPUs that have been read of late, each with its timeline and the calls that wait for readings of it."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from spanwand.attribution.shares import Interval, Taken
from spanwand.attribution.timeline import Timeline
from spanwand.gpu_growth import counts_energy, growth
from spanwand.gpu_sample import GpuSample

_MOST_DEVICES = 64
_MOST_INTERVALS = 2_000
"""Of a device, and devices, in one window; what is over them is nobody's."""
_SHORTEST_UUID = 8
_FINE_NS = 300 * 1_000_000_000
"""For so long each reading is an interval of its own; what is older, each window is."""
Span = tuple[int, int]
"""From when to when, in nanoseconds since the epoch."""


class Device:
    """One GPU. `ahead` are the calls that wait for time that has not been read yet."""

    def __init__(self, first: GpuSample) -> None:
        self.last = first
        self.timeline = Timeline()
        self.ahead: dict[bytes, Span] = {}
        self.totals: defaultdict[str, float] = defaultdict(float)
        """Of the present window, by the last part of their key."""

    def read(self, before: GpuSample, now: GpuSample, window_ns: int) -> None:
        """Take two readings."""
        joules = dict(growth(before, now)).get("energy_j")
        self.last = now
        if now.time_ns <= before.time_ns:
            self._total("unattributed", 0.0, joules)
            return
        if before.time_ns < self.timeline.end_ns:  # the clock was set back
            self.let_go(window_ns + 1)
        interval = Interval(
            start_ns=before.time_ns,
            end_ns=now.time_ns,
            joules=joules,
            is_counted=not now.sharing and counts_energy(before, now),
            utilization=now.utilization,
            memory_used_bytes=now.memory_used_bytes,
            memory_peak_bytes=now.memory_used_bytes,
            window_ns=window_ns,
        )
        for start_ns, end_ns in self.ahead.values():
            interval.wait(start_ns, end_ns, 1)
        self.ahead = {call: span for call, span in self.ahead.items() if span[1] > interval.end_ns}
        self.timeline.add(interval)

    def leave(self, before: GpuSample, now: GpuSample) -> None:
        """Take two readings of which nobody gets a part."""
        seconds = max(now.time_ns - before.time_ns, 0) / 1e9
        self._total("unattributed", seconds, dict(growth(before, now)).get("energy_j"))
        self.last = now

    def wait(self, call: bytes, span: Span) -> None:
        """A call waits for its part."""
        self.timeline.wait(*span, 1)
        if span[1] > self.timeline.end_ns:
            self.ahead[call] = span

    def wait_no_more(self, call: bytes, span: Span) -> None:
        """It is decided, or another span reports it."""
        self.timeline.wait(*span, -1)
        self.ahead.pop(call, None)

    def take(self, start_ns: int, end_ns: int) -> Taken:
        """What a call takes that was on the device from start to end, and does not wait any more."""
        taken = Taken()
        self.timeline.take(start_ns, end_ns, taken)
        if taken.covered_s:
            self._total("attributed", taken.seconds, taken.joules)
        return taken

    def let_go(self, before_window_ns: int) -> None:
        """Let go of what came before a window: what is left of it nobody takes any more."""
        for interval in self.timeline.let_go(before_window_ns):
            left_s = interval.left_s
            self._total("unattributed", left_s, interval.joules_of(left_s))

    def _total(self, what: str, seconds: float, joules: float | None) -> None:
        self.totals[f"{what}_s"] += seconds
        if joules is not None:
            self.totals[f"{what}_j"] += joules


class Devices:
    """The devices by UUID, as long as something of them can be taken."""

    def __init__(self) -> None:
        self._devices: dict[str, Device] = {}
        self._found: dict[tuple[str, ...], tuple[Device, ...]] = {}
        self._window_ns = 0
        self._in_window: Counter[str] = Counter()

    @property
    def are_known(self) -> bool:
        """Whether there is any."""
        return bool(self._devices)

    def open_window(self, start_ns: int, oldest_ns: int) -> None:
        """Begin a window, and let go of what came before the one that began at `oldest_ns`."""
        self._window_ns = start_ns
        self._in_window.clear()
        self._found.clear()
        for device in self._devices.values():
            device.let_go(oldest_ns)
            device.timeline.merge(start_ns - _FINE_NS)

    def let_go(self) -> None:
        """Let go of everything."""
        for device in self._devices.values():
            device.let_go(self._window_ns + 1)

    def read(self, before: GpuSample, now: GpuSample) -> bool:
        """Take two readings; False if the window has too many to divide them."""
        uuid, in_window = now.uuid, self._in_window
        if uuid not in in_window and len(in_window) >= _MOST_DEVICES:
            return False
        in_window[uuid] += 1
        device = self._devices.get(uuid)
        if device is None:
            device = self._devices[uuid] = Device(now)
        if in_window[uuid] > _MOST_INTERVALS:
            device.leave(before, now)
            return False
        if not device.timeline:
            self._found.clear()
        device.read(before, now, self._window_ns)
        return True

    def named(self, names: tuple[str, ...]) -> tuple[Device, ...]:
        """Those that a call names, by UUID, its beginning, or number; without names all of the pod."""
        found = self._found.get(names)
        if found is None:
            if len(self._found) >= _MOST_DEVICES:
                self._found.clear()
            chosen = self._of_the_pod() if not names else [d for d in self._live() if any(_is(d, n) for n in names)]
            found = self._found[names] = tuple(sorted(chosen, key=lambda device: device.last.uuid))
        return found

    def close_window(self) -> Iterator[tuple[GpuSample, dict[str, float]]]:
        """The last reading of each device, and its totals of the window. Who has nothing left is forgotten."""
        for uuid, device in list(self._devices.items()):
            if device.totals:
                yield device.last, dict(device.totals)
                device.totals.clear()
            if not device.timeline:
                del self._devices[uuid]

    def _live(self) -> list[Device]:
        return [device for device in self._devices.values() if device.timeline]

    def _of_the_pod(self) -> list[Device]:
        """All but the GPUs whose slices are there: who has a slice has no more of it."""
        whole = {device.last.index.partition(".")[0] for device in self._live() if "." in device.last.index}
        return [device for device in self._live() if device.last.index not in whole]


def _is(device: Device, name: str) -> bool:
    """Some spell a UUID in capitals, without what kind of device it is, or only begin it."""
    uuid = device.last.uuid
    return name in (uuid, device.last.index) or (len(name) >= _SHORTEST_UUID and _bare(uuid).startswith(_bare(name)))


def _bare(uuid: str) -> str:
    kind, _, rest = uuid.casefold().partition("-")
    return rest if kind in ("gpu", "mig") else uuid.casefold()
