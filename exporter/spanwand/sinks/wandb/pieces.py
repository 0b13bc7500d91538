"""How much of a Table is logged at once (R47). Rows that do not fit follow as further increments of the same batch."""

from collections.abc import Sequence

MAX_ROWS = 10_000
"""Rows per increment: there wandb cuts the copy of a Table in the run's folder, without a word."""
MAX_CHARS = 8 * 1024 * 1024
"""Text per increment: wandb holds several copies of it while it writes the file, and a browser loads it as one."""


def fitting(rows: Sequence[Sequence[object]]) -> int:
    """How many of `rows`, from the first on, go into one increment: at least one, if there is one."""
    chars = 0
    for number, row in enumerate(rows[:MAX_ROWS]):
        chars += sum([len(cell) for cell in row if isinstance(cell, str)])
        if number and chars > MAX_CHARS:
            return number
    return min(len(rows), MAX_ROWS)
