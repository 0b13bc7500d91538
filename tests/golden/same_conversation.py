"""The same conversation through every instrumentation: what the spans of each source say of a case, in total."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from tests.golden.reading import CASES, Counts, answered_counts, calls, captured_in, read_counts

FIELDS = (
    *("input_tokens", "cached_input_tokens", "cache_write_input_tokens"),
    *("output_tokens", "reasoning_output_tokens", "images"),
)

_EVERYWHERE = ("opentelemetry-sdk", "opentelemetry-distro", "opentelemetry-exporter", "@opentelemetry/")
"""How the names of packages begin that say nothing about a source."""


class Said(msgspec.Struct, frozen=True):
    """What one source says of one case. `gaps` are counts that it does not tell, or not as the API did."""

    source: str
    case: str
    models: str
    read: Counts
    answered: Counts
    cost_usd: float | None
    silent: frozenset[str]
    wrong: frozenset[str]
    unseen: bool

    @property
    def exact(self) -> bool:
        """Everything the API answered is in the spans."""
        return not (self.silent or self.wrong or self.unseen)


def conversations() -> list[list[Said]]:
    """The sources of each case in which the same models gave the same answers; those that are alone are left out."""
    found: dict[tuple[object, ...], list[Said]] = {}
    for said in map(said_of, CASES):
        if said.models:
            found.setdefault((said.case, said.models, *said.answered.values()), []).append(said)
    return [found[key] for key in sorted(found, key=str) if len(found[key]) > 1]


def said_of(case: Path) -> Said:
    """What is said of one case."""
    captured = captured_in(case)
    answered = answered_counts(captured)
    costs = [call.cost.usd for call in calls(case) if call.failure is None]
    known = [cost for cost in costs if cost is not None]
    return Said(
        source=case.parent.name,
        case=case.name,
        models=", ".join(sorted({str(call["model"]) for call in answered})),
        read=summed(read_counts(case)),
        answered=summed(answered),
        cost_usd=sum(known) if known and len(known) == len(costs) else None,
        silent=frozenset(captured["silent"]),
        wrong=frozenset(captured["wrong"]),
        unseen=bool(captured["unseen"]),
    )


def summed(calls: list[Counts]) -> Counts:
    """Totals of the calls, and how many there are."""
    return {"calls": len(calls), **{field: sum(int(call[field]) for call in calls) for field in FIELDS}}


def packages_of() -> Iterator[tuple[str, str]]:
    """The packages of each source."""
    found = {case.parent.name: ", ".join(packages(captured_in(case)["source"])) for case in CASES}
    return iter(found.items())


def packages(source: dict[str, str]) -> Iterator[str]:
    """Package versions that a capture names; not the SDK's own, and not switches."""
    for name, version in source.items():
        if not name.isupper() and not name.startswith(_EVERYWHERE):
            yield f"{name} {version}"
