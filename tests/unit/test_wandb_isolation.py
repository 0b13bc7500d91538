"""Isolation of refused rows (R12): all others get in, in order, and the tries are bounded."""

from collections.abc import Collection
from math import log2

from hypothesis import given
from hypothesis import strategies as st

from spanwand.sinks.wandb.isolation import MAX_IN_A_ROW, Isolation


def sort_out(rows: int, poison: Collection[int]) -> tuple[list[int], list[int], int]:
    """Rows taken, rows given up, and the number of tries."""
    isolation = Isolation()
    taken: list[int] = []
    given_up: list[int] = []
    tries = 0
    while (done := len(taken) + len(given_up)) < rows:
        tries += 1
        chunk = range(done, done + isolation.size(rows - done))
        if not any(row in poison for row in chunk):
            isolation.taken(len(chunk))
            taken += chunk
        elif isolation.refused(len(chunk)):
            given_up += chunk
    return taken, given_up, tries


@given(st.integers(1, 5_000), st.sets(st.integers(0, 4_999), max_size=20))
def test_exactly_the_offending_rows_are_given_up(rows: int, offending: set[int]) -> None:
    poison = {row for row in offending if row < rows}
    taken, given_up, tries = sort_out(rows, poison)
    assert given_up == sorted(poison)
    assert taken == [row for row in range(rows) if row not in poison]
    assert tries <= 1 + len(poison) * (2 * log2(rows) + 3)


def test_one_bad_row_among_5_000_takes_few_tries() -> None:
    assert max(sort_out(5_000, {row})[2] for row in range(0, 5_000, 7)) <= 16


def test_if_every_row_is_refused_it_ends_soon() -> None:
    """Never an endless loop: 5,000 rows of a W&B that takes none."""
    taken, given_up, tries = sort_out(5_000, range(5_000))
    assert (taken, len(given_up)) == ([], 5_000)
    assert tries < MAX_IN_A_ROW + 40


def test_nothing_refused_is_one_try() -> None:
    assert sort_out(5_000, set())[2] == 1
