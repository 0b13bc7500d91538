"""Whether what landed is what was sent. Exactly, or the demo fails."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from spanwand.stored.run import StoredRun
from spanwand.tables import REQUESTS
from spanwand_sidecar.demo.ledger import Answered
from spanwand_sidecar.demo.sums import Sums, add, answered_by_api, counted_by_app, in_metrics, in_table, rows_of


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What the app and the API wrote down on their side."""

    lines: Sequence[Mapping[str, Any]]
    """The app's ledger: one line for each arm and model."""
    comics: int
    answers: Sequence[Answered]


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One number as it was sent, and as it was found."""

    what: str
    place: str
    sent: Decimal
    landed: Decimal

    @property
    def equal(self) -> bool:
        """Not nearly."""
        return self.sent == self.landed


def compare(sent: Sent, runs: Sequence[StoredRun]) -> list[Check]:
    """Every sum per arm against metrics and Table rows, all arms together against the API, and the comics."""
    return [*_by_arm(sent, runs), *_with_api(sent, runs), *_comics(sent, runs)]


def _by_arm(sent: Sent, runs: Sequence[StoredRun]) -> Iterator[Check]:
    for arm in sorted({line["arm"] for line in sent.lines}):
        expected = add(counted_by_app(line) for line in sent.lines if line["arm"] == arm)
        of_arm = [run for run in runs if run.config.get("arm") == arm]
        yield from _each(f"arm {arm}", "metrics", expected, add(map(in_metrics, of_arm)))
        yield from _each(f"arm {arm}", "Table generations", expected, add(map(in_table, of_arm)))


def _with_api(sent: Sent, runs: Sequence[StoredRun]) -> Iterator[Check]:
    yield from _each("the API", "metrics", add(map(answered_by_api, sent.answers)), add(map(in_metrics, runs)))


def _comics(sent: Sent, runs: Sequence[StoredRun]) -> Iterator[Check]:
    counted = sum(point.get("request/count") or 0 for run in runs for point in run.history)
    comics = {row["comic.id"] for run in runs for row in rows_of(run, REQUESTS)}
    yield Check(what="comics", place="metrics", sent=Decimal(sent.comics), landed=Decimal(counted))
    yield Check(what="comics", place="Table requests", sent=Decimal(sent.comics), landed=Decimal(len(comics)))


def _each(who: str, place: str, sent: Sums, landed: Sums) -> Iterator[Check]:
    for field in Sums.__struct_fields__:
        numbers = Decimal(getattr(sent, field)), Decimal(getattr(landed, field))
        yield Check(what=f"{who}: {field}", place=place, sent=numbers[0], landed=numbers[1])
