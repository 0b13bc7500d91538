"""How much work a text may be: counted and never timed, so that a replay gives up at the same place.

A step is a call of RE2, or 1,024 bytes that it looks at: about 0.7 µs. How many a text may cost grows with its size, so
that many short texts cost no more than a long one (docs/adr/0035).
"""

STEP_BYTES = 1_024
_LEAST_STEPS = 1_024
_BYTES_FOR_A_STEP, _FIRST_BYTES, _FIRST_BYTES_FOR_A_STEP = 48, 32_768, 6
"""A step for each 48 bytes, and one more for each 6 of the first 32,768."""


class TooMuchWork(ValueError):
    """A text that nobody writes, but to keep others waiting: it is not looked through, and does not leave."""


class Work:
    """The steps that are left for one text, whatever it holds: documents, layers of encodings, findings."""

    __slots__ = ("left",)

    def __init__(self, size_bytes: int) -> None:
        """A text of so many bytes, or characters: those are no more."""
        self.left = (
            _LEAST_STEPS + size_bytes // _BYTES_FOR_A_STEP + min(size_bytes, _FIRST_BYTES) // _FIRST_BYTES_FOR_A_STEP
        )

    def spend(self, steps: int) -> None:
        """Raises TooMuchWork if there are not so many left."""
        self.left -= steps
        if self.left < 0:
            raise TooMuchWork

    def look(self, size: int) -> None:
        """Spend what it takes to look through so many bytes once. Raises TooMuchWork."""
        self.spend(1 + size // STEP_BYTES)
