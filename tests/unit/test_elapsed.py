"""A latency is known or it is not: clocks that make no sense do not become 0 or eternity (R21)."""

import pytest

from spanwand.elapsed import LONGEST_NS, elapsed_s

NOW = 1_790_000_000_000_000_000


@pytest.mark.parametrize(
    ("start_ns", "end_ns", "expected"),
    [
        (NOW, NOW + 1_500_000_000, 1.5),
        (NOW, NOW, 0.0),
        (NOW, NOW + LONGEST_NS, LONGEST_NS / 1e9),
        (NOW, NOW + LONGEST_NS + 1, None),
        (NOW, NOW - 1, None),
        (NOW, 0, None),
        (0, NOW, None),
        (0, 0, None),
        (0, 2**64 - 1, None),
    ],
)
def test_elapsed(start_ns: int, end_ns: int, expected: float | None) -> None:
    assert elapsed_s(start_ns, end_ns) == expected
