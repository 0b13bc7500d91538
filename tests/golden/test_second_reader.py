"""P3: of no field does another reader of the same spans know more calls."""

import pytest

from tests.golden.second_reader import compared


@pytest.mark.parametrize("row", list(compared()), ids=lambda row: row[0])
def test_nothing_that_weave_reads_is_missed(row: tuple[str, ...]) -> None:
    _, told, ours, *weave = row
    assert int(told) >= int(ours) >= max(map(int, weave))
