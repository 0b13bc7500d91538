"""History steps that W&B refuses, found by sending ever fewer of them (R12)."""

from collections.abc import Collection, Sequence

import pytest

from spanwand.sinks.wandb.core_log import Problem
from spanwand.sinks.wandb.records import RowKey
from spanwand.sinks.wandb.refused_steps import MAX_UPLOADS, find_refused


class Backend:
    """A W&B that refuses an upload with a bad row in it, as a whole; `status` 0: it takes none, and says nothing."""

    def __init__(self, rows: int, bad: Collection[int], status: int = 400) -> None:
        self.keys: list[RowKey] = [(number, "") for number in range(rows)]
        self.stored: set[RowKey] = set()
        self.uploads = 0
        self._bad = {(number, "") for number in bad}
        self._status = status

    def send(self, rows: Sequence[RowKey]) -> Problem:
        self.uploads += 1
        if self._status and not self._bad & set(rows):
            self.stored.update(rows)
            return Problem(0)
        return Problem(self._status, "bad row")

    def missing(self) -> list[RowKey]:
        return [key for key in self.keys if key not in self.stored]


@pytest.mark.parametrize("bad", [{0}, {99}, {3, 4, 60}, set(range(40, 50))])
def test_all_others_get_in(bad: set[int]) -> None:
    backend = Backend(100, bad)
    refused = list(find_refused(backend.send, backend.missing))
    assert [row.key[0] for row in refused] == sorted(bad)
    assert {row.why for row in refused} == {"W&B answered 400 (bad row)"}
    assert backend.missing() == [(number, "") for number in sorted(bad)]


def test_the_next_time_goes_on() -> None:
    """Never for ever: so many uploads in one go; what is found by then is out of the way."""
    bad = range(0, 1_000, 9)
    backend = Backend(1_000, bad)
    refused = list(find_refused(backend.send, backend.missing))
    assert 0 < len(refused) < len(bad)
    assert backend.uploads <= MAX_UPLOADS + 1


def test_a_w_and_b_that_refuses_none_of_the_rows_too_is_not_about_the_rows() -> None:
    backend = Backend(10, range(10))
    assert list(find_refused(lambda rows: Problem(400), backend.missing)) == []


def test_what_is_not_in_and_not_refused_waits() -> None:
    backend = Backend(10, [3], status=0)
    assert list(find_refused(backend.send, backend.missing)) == []
    assert backend.uploads == 2
