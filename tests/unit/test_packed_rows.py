"""Design 8, R22: rows wait as bytes, and are the same rows when they are looked at."""

import math
from collections.abc import Sequence
from typing import Any, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.pictures import digest, png
from tests.support.records import KEPT, call

from spanwand import tables
from spanwand.batch import Verdict
from spanwand.config import LineConfig
from spanwand.drops import Drops
from spanwand.media import Media
from spanwand.packed_rows import LARGE, PackedRows
from spanwand.pending_rows import PendingRows
from spanwand.record import Clean
from spanwand.runs import Runs

TEXT = "prompt " * LARGE
SMALL = Media(digest(1), "image/png", 41, 30, 2, b"ab")
IMAGE = Media(digest(2), "image/png", 41, 30, len(png(1)), png(1) * LARGE)
ROWS = [
    (),
    ("a", 1, 0.5, None, True, -1, 0.0, 2.0, ""),
    (TEXT, None, TEXT + "é", 7),
    (SMALL, IMAGE, None, "x"),
    ("half a pair \ud800", 1, None),
    (2**64, -(2**63) - 1, 10**400),
    (math.inf, -math.inf, 5e-324, 2**53 + 1, 2**64 - 1),
    tuple(f"{number}" * 40 for number in range(30)),
]
CELLS = st.none() | st.text(max_size=2 * LARGE) | st.integers() | st.floats(allow_nan=False) | st.booleans()


class LiveRow(tuple[object, ...]):
    """A row that is counted for as long as it is there."""

    made = alive = most = 0

    def __new__(cls, *cells: object) -> Self:
        cls.made, cls.alive = cls.made + 1, cls.alive + 1
        cls.most = max(cls.most, cls.alive)
        return super().__new__(cls, cells)

    def __del__(self) -> None:
        type(self).alive -= 1


def types(rows: Sequence[tuple[object, ...]]) -> list[list[type]]:
    return [[*map(type, row)] for row in rows]


def test_they_are_the_same_rows() -> None:
    packed = PackedRows(ROWS)
    assert packed == ROWS == [*packed]
    assert types(packed) == types(ROWS)
    assert (len(packed), packed[2], packed[-3]) == (len(ROWS), ROWS[2], ROWS[-3])
    assert packed != ROWS[1:]
    assert TEXT in repr(packed)


@given(st.lists(st.lists(CELLS).map(tuple)))
def test_whatever_is_in_them(rows: list[tuple[object, ...]]) -> None:
    packed = PackedRows()
    for row in rows:
        packed.append(row)
    assert [*packed] == rows
    assert types(packed) == types(rows)


def test_not_a_number_stays_one() -> None:
    [[cell]] = PackedRows([(math.nan,)])
    assert math.isnan(float(str(cell)))


@pytest.mark.parametrize("part", [slice(1, 3), slice(None), slice(-2, None), slice(5, 2)])
def test_a_part_of_them_is_packed_too(part: slice) -> None:
    some = PackedRows(ROWS)[part]
    assert isinstance(some, PackedRows)
    assert some == ROWS[part]


def test_large_cells_are_not_copied() -> None:
    """What was said is there once: the record's own text, or image."""
    packed = PackedRows(ROWS)
    assert packed[2][0] is TEXT
    assert packed[3][1] is IMAGE


def test_what_is_handed_over_is_never_there_as_objects() -> None:
    """Not even two rows at once, of what a minute left."""

    class Row(LiveRow):
        pass

    def maker(call: Clean, _: Verdict) -> Any:
        return Row(call.span_id.hex(), "a")

    pending = PendingRows(100, Drops(), {tables.GENERATIONS: maker})
    run = Runs(LineConfig()).of((call().service, "", ""))
    for number in range(50):
        pending.add(run, tables.GENERATIONS, KEPT, call(number))
    rows = pending.take()[run][tables.GENERATIONS]
    assert (len(rows), Row.made, Row.alive) == (50, 50, 0)
    assert Row.most == 1
