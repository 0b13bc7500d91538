"""When a call was on which GPUs, as far as its record says."""

from collections.abc import Collection

import msgspec

from spanwand.attribution.share import GpuMethod
from spanwand.operations import FAMILY_OF
from spanwand.record import Clean, Timing


class Claim(msgspec.Struct, frozen=True):
    """The time for which a call was on some GPUs, by its app's clock. No names: all that the pod has."""

    start_ns: int
    end_ns: int
    method: GpuMethod
    devices: tuple[str, ...]


def claim_of(call: Clean, providers: Collection[str]) -> Claim | None:
    """What a call claims; None for one that ran elsewhere, or was no call to a model.

    `providers`, in lower case, are those whose calls run here. So do calls that name GPUs, and those of which a serving
    engine or a pipeline in the app says how long it worked on them.
    """
    if call.operation not in FAMILY_OF or call.latency_s is None:
        return None
    method, worked_s = _worked(call.timing)
    if method is GpuMethod.OVERLAP and not _is_here(call, providers):
        return None
    start_ns, end_ns = _within(call, worked_s)
    return Claim(start_ns, end_ns, method, call.devices) if start_ns < end_ns else None


def _worked(timing: Timing) -> tuple[GpuMethod, float | None]:
    """For how long the call was worked on, where something knows that."""
    if timing.execute_s is not None:
        return GpuMethod.ENGINE, timing.execute_s
    phases = [phase for phase in (timing.text_encode_s, timing.denoise_s, timing.decode_s) if phase is not None]
    return (GpuMethod.IN_PROCESS, sum(phases)) if phases else (GpuMethod.OVERLAP, None)


def _is_here(call: Clean, providers: Collection[str]) -> bool:
    return bool(call.devices) or call.timing.queue_s is not None or call.provider.lower() in providers


def _within(call: Clean, worked_s: float | None) -> tuple[int, int]:
    """Behind the queue, for as long as was worked. Figures that are more than the call took are cut at its start."""
    start_ns = min(call.start_ns + int((call.timing.queue_s or 0.0) * 1e9), call.end_ns)
    if worked_s is None:
        return start_ns, call.end_ns
    worked_ns = int(min(worked_s * 1e9, call.end_ns - call.start_ns))
    start_ns = min(start_ns, call.end_ns - worked_ns)
    return start_ns, start_ns + worked_ns
