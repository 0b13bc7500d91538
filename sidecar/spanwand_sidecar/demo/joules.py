"""What the pictures of the demo cost on its GPU, which is made up: read back from the runs like all else."""

import math
from collections.abc import Iterable, Iterator, Sequence

import msgspec
from rich.box import SIMPLE
from rich.table import Table

from spanwand.stored.run import StoredRun
from spanwand.tables import GENERATIONS
from spanwand_sidecar.demo.sums import rows_of

_DEVICE = "gpu/0"


class Pictures(msgspec.Struct, frozen=True, kw_only=True):
    """Of one run: its pictures, and the shares of the GPU of the calls that drew them."""

    run: str
    images: int
    gpu_seconds: float
    gpu_joules: float


class Energy(msgspec.Struct, frozen=True, kw_only=True):
    """What the GPU counted while the demo ran, and how much of it calls used."""

    counted_j: float
    attributed_j: float
    unattributed_j: float


def pictures(runs: Iterable[StoredRun]) -> Iterator[Pictures]:
    """Of each run that has some."""
    for run in runs:
        drawn = [row for row in rows_of(run, GENERATIONS) if row["images"] and row["gpu_joules"] is not None]
        if drawn:
            images, seconds, joules = (
                math.fsum(row[column] for row in drawn) for column in ("images", "gpu_seconds", "gpu_joules")
            )
            yield Pictures(run=run.name, images=round(images), gpu_seconds=seconds, gpu_joules=joules)


def energy(runs: Sequence[StoredRun]) -> Energy:
    """Of the whole demo. Its GPU's history is in the run of the service, which has no arm."""

    def total(name: str) -> float:
        return math.fsum(point.get(f"{_DEVICE}/{name}") or 0 for run in runs for point in run.history)

    return Energy(
        counted_j=total("energy_j"), attributed_j=total("attributed_j"), unattributed_j=total("unattributed_j")
    )


def table(runs: Sequence[StoredRun]) -> Table:
    """A line for each run."""
    title = "What a picture cost on the GPU, which is scripted"
    found = Table("run", box=SIMPLE, padding=0, title=title, title_justify="left", title_style="bold")
    for heading in ("pictures", "GPU s", "J", "GPU s each", "J each"):
        found.add_column(heading, justify="right", no_wrap=True)
    for one in pictures(runs):
        total = f"{one.gpu_seconds:.2f}", f"{one.gpu_joules:,.0f}"
        each = f"{one.gpu_seconds / one.images:.3f}", f"{one.gpu_joules / one.images:.1f}"
        found.add_row(one.run, str(one.images), *total, *each)
    return found


def balance(runs: Sequence[StoredRun]) -> str:
    """Where the energy went, in words."""
    of = energy(runs)
    return f"It counted {of.counted_j:,.0f} J: {of.attributed_j:,.0f} J by calls, {of.unattributed_j:,.0f} J by nobody."
