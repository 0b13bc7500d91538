"""Texts that are cleaned as they come: as many characters in a window as the line has time for (docs/adr/0036)."""

import math
from collections.abc import Callable

from spanwand.redactors.content import Clean


class AtOnce:
    """Cleans texts until a window's characters are used up; from then to the window's end each is removed unread.

    So what is cleaned depends on the window's frames alone, and a replay, which begins with a window, repeats it.
    """

    def __init__(self, clean: Clean, window_max_chars: float, removed: Callable[[], None]) -> None:
        """`removed` is told of each text that is not cleaned. Before the first window there is no end to them."""
        self._clean = clean
        self._window_max_chars = window_max_chars
        self._removed = removed
        self._left: float = math.inf

    def open_window(self) -> None:
        """Begin again."""
        self._left = self._window_max_chars

    def __call__(self, text: str) -> str:
        """The text as it may leave, or a note of how long it was. Raises what the cleaning raises."""
        self._left -= len(text)
        if self._left >= 0:
            return self._clean(text)
        self._removed()
        return f"[removed unread: {len(text)} characters]"
