"""Which call used the GPUs: each gets its share of their time and energy when `gather` hands it out.

A call waits for its share from its arrival on, so that those which are decided before it know of it (`shares`). What is
not taken `horizon_s` after it was read is nobody's: idle, or the work of who sends no spans.

A replay finds the same shares if it begins early enough to find again all that readings of the last `horizon_s` are
divided among: that is where it would have begun `horizon_s` ago, so `low` stays there for so long. Shares are also part
of Requests that a late span amends and of rows that wait: while they do, `low` keeps to what it was to these shares.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

import msgspec
from msgspec.structs import replace

from spanwand.attribution.claim import Claim, claim_of
from spanwand.attribution.devices import Device, Devices
from spanwand.attribution.share import GpuShare
from spanwand.attribution.shares import Taken
from spanwand.config import LineConfig
from spanwand.drops import DropReason, Drops
from spanwand.gpu_sample import GpuSample
from spanwand.measurement import Reading
from spanwand.metrics import Kind, in_a_key
from spanwand.record import Clean, Cost
from spanwand.traces.trace import Trace

_NS = 1_000_000_000
_J_PER_KWH = 3.6e6


class _Window(msgspec.Struct, frozen=True):
    """A window whose readings may be divided. `needed` is where a replay of it has to begin."""

    start_ns: int
    position: int
    needed: int


class _Waiting(msgspec.Struct, frozen=True):
    """A call that waits for its share of some devices. Its app's clock is at least `ahead_ns` ahead of ours."""

    devices: tuple[Device, ...]
    span: tuple[int, int]
    ahead_ns: int


class _Held(msgspec.Struct):
    """The calls of a trace that wait, by span id, and the parents of all that ever did."""

    calls: dict[bytes, _Waiting] = msgspec.field(default_factory=dict)
    parents: set[bytes] = msgspec.field(default_factory=set)


class Attribute:
    """The readings of late and the calls that wait for a share of them. Positions and windows as in `Gather`."""

    def __init__(self, config: LineConfig, hour_usd: Callable[[str], float | None], drops: Drops) -> None:
        """`hour_usd`: what an hour of a device costs, by its name."""
        attribution = config.gpu.attribution
        self._providers = frozenset(provider.lower() for provider in attribution.providers)
        self._horizon_ns = int(attribution.horizon_s * _NS)
        self._grid_gco2e_per_kwh = attribution.grid_gco2e_per_kwh
        self._max_journal_bytes = config.deduplicate.max_journal_bytes
        self._hour_usd = lru_cache(256)(hour_usd)
        self._drops = drops
        self._devices = Devices()
        self._traces: dict[bytes, _Held] = {}
        self._windows: deque[_Window] = deque()
        self._needed: deque[tuple[int, int]] = deque()  # position of a window, and what `low` was to its shares
        self._floor: int | None = None

    def drain(self) -> None:
        """Divide nothing more of what came so far."""
        self._devices.let_go()
        self._traces.clear()
        self._needed.clear()

    @property
    def is_live(self) -> bool:
        """Whether there is anything to take a share of."""
        return self._devices.are_known

    @property
    def low(self) -> int | None:
        """Where a replay has to begin to find the shares of what can still be divided, or has not left for good."""
        if self._floor is not None:
            return self._floor
        if self._needed:
            return self._needed[0][1]
        return self._windows[0].needed if self.is_live else None

    def open_window(self, position: int, start_ns: int, needed: int, held: int) -> None:
        """Begin a window. `needed` is where a replay would begin now but for what is remembered here.

        `held` is the first frame of the oldest window whose shares are part of what can still come out.
        """
        windows, self._floor = self._windows, self.low
        if not self.is_live:
            windows.clear()
        windows.append(_Window(start_ns, position, needed))
        while windows[0].start_ns < start_ns - self._horizon_ns or (
            windows[0].position < position - self._max_journal_bytes
        ):
            windows.popleft()
        if self.is_live:
            self._needed.append((position, windows[0].needed))
        while self._needed and self._needed[0][0] < held:
            self._needed.popleft()
        self._devices.open_window(start_ns, windows[0].start_ns)

    def read(self, pairs: Iterable[tuple[GpuSample, GpuSample]]) -> None:
        """Take readings: of a device two at a time, one after the other."""
        for before, now in pairs:
            if not self._devices.read(before, now):
                self._drops[DropReason.GPU_OVERFLOW] += 1

    def waits(self, call: Clean, arrival_ns: int) -> None:
        """A call has come. If another one in it waits already, it is that one which was on the GPU."""
        claim = claim_of(call, self._providers)
        devices = claim and self._devices.named(claim.devices)
        if not claim or not devices:
            return
        held = self._traces.setdefault(call.trace_id, _Held())
        held.parents.add(call.parent_span_id)
        for span_id in (call.parent_span_id, call.span_id):  # itself: sent again, and not known for it
            _wait_no_more(held, call.trace_id, span_id)
        if call.span_id in held.parents:
            return
        ahead_ns = max(call.end_ns - arrival_ns, 0)
        waiting = _Waiting(devices, (claim.start_ns - ahead_ns, claim.end_ns - ahead_ns), ahead_ns)
        held.calls[call.span_id] = waiting
        for device in devices:
            device.wait(call.trace_id + call.span_id, waiting.span)

    def __call__(self, calls: list[Clean], trace: Trace | None) -> list[Clean]:
        """Give its share to each of some calls that leave their trace; those that left it otherwise do not wait."""
        if not self._traces and not self.is_live:
            return calls
        trace_id = trace.trace_id if trace else calls[0].trace_id
        held = self._traces.get(trace_id, _Held())
        if trace is not None:
            stay = {step.span_id for step in trace.held} | {call.span_id for call in calls}
            for span_id in [span_id for span_id in held.calls if span_id not in stay]:
                _wait_no_more(held, trace_id, span_id)
        given = [self._with_share(call, _wait_no_more(held, call.trace_id, call.span_id)) for call in calls]
        if not held.calls:
            self._traces.pop(trace_id, None)
        return given

    def close_window(self) -> list[Reading]:
        """What became of the devices' time and energy in the window."""
        self._floor = None
        return [
            Reading(key=f"gpu/{in_a_key(sample.index)}/{key}", kind=Kind.SUM, series=sample.uuid.encode(), value=total)
            for sample, totals in self._devices.close_window()
            for key, total in totals.items()
        ]

    def _with_share(self, call: Clean, waited: _Waiting | None) -> Clean:
        claim = claim_of(call, self._providers)
        if claim is None:
            return call
        devices = waited.devices if waited else self._devices.named(claim.devices)
        ahead_ns = waited.ahead_ns if waited else 0
        taken = [device.take(claim.start_ns - ahead_ns, claim.end_ns - ahead_ns) for device in devices]
        if not any(some.covered_s for some in taken):
            return call
        share = self._share(claim, devices, taken, ahead_ns)
        if share.cost_usd is not None and call.cost.usd is None:
            call = replace(call, cost=Cost(computed_usd=share.cost_usd))
        return replace(call, gpu=share)

    def _share(self, claim: Claim, devices: Sequence[Device], taken: Sequence[Taken], ahead_ns: int) -> GpuShare:
        total = Taken()
        for some in taken:
            total.include(some)
        is_certain = bool(claim.devices) or len(devices) == 1
        length_ns = claim.end_ns - claim.start_ns
        certain = total.certain_s / (len(devices) * length_ns / 1e9) if is_certain else 0.0
        least = min(ahead_ns / length_ns, 1.0)  # by so much, or more, it was moved: nobody knows from where
        joules, grid = total.joules, self._grid_gco2e_per_kwh
        return GpuShare(
            seconds=total.seconds,
            joules=joules,
            method=claim.method.value,  # W&B takes no other kind of text
            devices=",".join(device.last.index for device in devices),
            uncertainty=max(1 - certain, least),
            memory_peak_bytes=total.memory_peak_bytes,
            memory_mean_bytes=total.memory_byte_s / total.memory_s if total.memory_s else None,
            utilization=total.busy_s / total.utilization_s if total.utilization_s else None,
            cost_usd=self._cost_usd(devices, taken),
            co2e_g=None if joules is None or grid is None else joules / _J_PER_KWH * grid,
        )

    def _cost_usd(self, devices: Sequence[Device], taken: Sequence[Taken]) -> float | None:
        total_usd = 0.0
        for device, some in zip(devices, taken, strict=True):
            hour_usd = self._hour_usd(device.last.name)
            if hour_usd is None:
                return None
            total_usd += some.seconds / 3_600 * hour_usd
        return total_usd


def _wait_no_more(held: _Held, trace_id: bytes, span_id: bytes) -> _Waiting | None:
    waiting = held.calls.pop(span_id, None)
    if waiting is not None:
        for device in waiting.devices:
            device.wait_no_more(trace_id + span_id, waiting.span)
    return waiting
