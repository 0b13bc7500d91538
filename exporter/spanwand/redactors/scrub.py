"""Takes every match of a table of patterns out of a text.

One pass of an RE2 set over the text says which patterns occur at all: most texts are clean, and done with at that.
Only those patterns are then looked for one by one. RE2 is linear in the text whatever the pattern and the text are.
"""

from collections import Counter
from collections.abc import Iterable

import re2

from spanwand.redactors.patterns import PATTERNS, Pattern

REMOVED = "[removed]"
"""Written instead of a text that does not become clean."""
_PASSES = 4
_MOST_MISSES = 1000
_LONGEST_CHECKED = 256
"""Bounds of the time near misses take, per text and pattern: beyond them a match is taken out unchecked."""
_SET_BYTES = 64 << 20
"""Memory for the automaton of the set. If it were too little the set would find nothing, silently."""


class Scrubber:
    """Scrubs texts; `counts` says how often each pattern was taken out."""

    def __init__(self, patterns: Iterable[Pattern] = PATTERNS) -> None:
        """Raises ValueError for a pattern that RE2 cannot compile, or that misses its own examples."""
        options = re2.Options()
        options.max_mem = _SET_BYTES
        options.log_errors = False
        self.counts: Counter[str] = Counter()
        self._set = re2.Set.SearchSet(options)
        self._patterns: list[tuple[Pattern, re2._Regexp, int]] = []
        for pattern in patterns:
            try:
                regex = re2.compile(pattern.regex, options)
                self._set.Add(pattern.regex)
            except re2.error as error:
                raise ValueError(f"pattern {pattern.name}: {error}") from None
            self._patterns.append((pattern, regex, min(regex.groups, 1)))
        self._set.Compile()
        self._prove()

    def suspicious(self, text: str) -> bool:
        """Whether any pattern occurs (its check may still find it harmless), or the text is not Unicode."""
        try:
            return self._set.Match(text) is not None
        except UnicodeEncodeError:
            return True

    def scrub(self, text: str) -> str:
        """Return `text` with every secret replaced. What comes out is not changed by scrubbing it again."""
        raw = text.encode("utf-8", "replace")
        for _ in range(_PASSES):
            before = raw
            for index in sorted(self._set.Match(raw) or ()):
                raw = self._replace(raw, *self._patterns[index])
            if raw == before:
                return raw.decode()
        return REMOVED

    def _replace(self, raw: bytes, pattern: Pattern, regex: "re2._Regexp", group: int) -> bytes:
        pieces: list[bytes] = []
        done = at = misses = 0
        while match := regex.search(raw, at):
            start, end = match.span(group)
            if start < 0:
                start, end = match.span(0)
            secret = end - start
            if misses < _MOST_MISSES and secret <= _LONGEST_CHECKED:
                # Latin-1, so that a character is a byte: the check says how many of them are the secret.
                secret = pattern.check(raw[start:end].decode("latin-1"))
            if secret:
                self.counts[pattern.name] += 1
                pieces += (raw[done:start], pattern.replacement.encode())
                at = done = start + secret
            else:
                misses += 1
                at = start + 1
        return b"".join((*pieces, raw[done:])) if pieces else raw

    def _prove(self) -> None:
        for pattern, _, _ in self._patterns:
            for example in pattern.found:
                if self.scrub(example) == example:
                    raise ValueError(f"pattern {pattern.name} misses its example {example!r}")
        self.counts.clear()
