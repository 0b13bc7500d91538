"""Where an expression matches, as RE2 itself says it: its Python package makes an iterator and an object of each match,
which take four times as long as to find it.
"""

from operator import itemgetter

import re2

Span = tuple[int, int]
"""The first byte, and the one behind the last."""
NOWHERE = -1
"""Where a match starts if there is none."""
_ANYWHERE, _HERE = re2._Anchor.UNANCHORED, re2._Anchor.ANCHOR_START
_end = itemgetter(1)


class Spans:
    """One expression. It has groups, of which the last to end is what is looked for, or it has none."""

    __slots__ = ("_find", "_group", "groups")

    def __init__(self, regex: str | bytes, max_mem: int = 8 << 20) -> None:
        """`max_mem` bounds the memory of its automaton. Raises re2.error if RE2 cannot compile it."""
        grouped, plain = (_options(max_mem, never_capture=is_plain) for is_plain in (False, True))
        compiled = re2.compile(regex, grouped)
        self.groups: int = compiled.groups
        self._group = compiled._regexp.Match
        self._find = re2.compile(regex, plain)._regexp.Match

    def find(self, raw: bytes, at: int = 0) -> Span:
        """The first match from there on; what stands before may be its context."""
        span: Span = self._find(_ANYWHERE, raw, at, len(raw))[0]
        return span

    def group(self, raw: bytes, span: Span) -> Span:
        """The group in a match that was found; the match if no group took part."""
        whole, *groups = self._group(_HERE, raw, *span)
        last: Span = max(groups, key=_end)
        return last if _end(last) >= 0 else whole


def _options(max_mem: int, *, never_capture: bool) -> "re2.Options":
    options = re2.Options()
    options.max_mem, options.log_errors, options.never_capture = max_mem, False, never_capture
    return options
