"""Figures that cannot be true as they were sent, by name: they are put right or taken for unknown, and counted."""

from collections import Counter
from enum import StrEnum


class Oddity(StrEnum):
    """What was odd about a model call. The value is the last part of `spanwand/odd/<oddity>`."""

    EXCLUSIVE_INPUT = "exclusive_input"
    """Fewer input tokens than cached ones, which are a part of them: they were added."""
    EXCLUSIVE_OUTPUT = "exclusive_output"
    """Fewer output tokens than reasoning ones, which are a part of them: they were added."""
    WRONG_TOTAL = "wrong_total"
    """A total that is not the sum of input and output."""
    ABSURD_COUNT = "absurd_count"
    """More tokens than any model takes: taken for unknown."""
    ATTRIBUTES_DROPPED = "attributes_dropped"
    """The app's SDK dropped attributes of the span (`OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT`): some fields may be missing."""
    ENDS_BEFORE_START = "ends_before_start"
    """An end before the start: how long it took is not known."""
    FROM_THE_FUTURE = "from_the_future"
    """An end more than a minute after it came: the sender's clock is ahead. The times stay as they were sent."""


Oddities = Counter[Oddity]
"""A count per oddity."""
