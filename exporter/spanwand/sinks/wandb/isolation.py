"""Finds what W&B refuses among what it takes, by bisection. It knows no rows, only how many."""

MAX_IN_A_ROW = 32
"""As many refused one by one, and none taken: W&B refuses whatever it is. The rest is tried, and given up, as one."""


class Isolation:
    """How many items to try next. They are tried in order; what is taken, or given up, is behind us."""

    def __init__(self) -> None:
        self._suspects = 0
        """Among as many of the next items there is one that W&B refuses."""
        self._in_a_row = 0

    def size(self, left: int) -> int:
        """How many of the `left` items to try next."""
        if self._suspects:
            return max(self._suspects // 2, 1)
        return 1 if 1 < self._in_a_row < MAX_IN_A_ROW else left

    def taken(self, count: int) -> None:
        """`count` items are in."""
        self._suspects = max(self._suspects - count, 0)
        self._in_a_row = 0

    def refused(self, count: int) -> bool:
        """`count` items were refused. Returns whether to give them up; else fewer are to be tried."""
        if count > 1 and self._in_a_row < MAX_IN_A_ROW:
            self._suspects = count
            return False
        self._suspects = 0
        self._in_a_row += 1
        return True
