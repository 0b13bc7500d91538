"""Takes every match of a table of patterns out of a text.

One pass of an RE2 set over the text says which patterns occur at all: most texts are clean, and done with at that.
Only those patterns are then looked for one by one; one that is alone, at once: a set is up to ten times as slow on a
text made for it. RE2 is linear in the text whatever the pattern and the text are.

What is written instead of a secret may itself match, with what stands beside it. A match that was not there before
touches a replacement, so only the text around the replacements is tested again: from `_REACH` bytes before the first to
as many behind the last. No pattern needs as many to say that it is there. Where one may go on for longer, what is cut
of it still matches; and had it begun further to the left, it had been there before, too long to be checked, and gone.

The same pass says whether the text may be encoded. Then the patterns are looked for in what it decodes to as well, and
if one is there, the decoded text is what is left.
"""

from collections import Counter
from collections.abc import Callable, Iterable, MutableMapping, Sequence

import re2

from spanwand.redactors.decoded import LAYERS, MARKS, decoded, unescaped
from spanwand.redactors.pattern import Pattern
from spanwand.redactors.patterns import PATTERNS

REMOVED = "[removed]"
"""Written instead of a text that does not become clean."""
_PASSES = 4
_MOST_MATCHES = 600
"""Of one pattern in one text; the text behind them is taken out as a whole. It bounds the time of near misses."""
_LONGEST_CHECKED = _REACH = 256
"""Bytes. A longer secret is taken out unchecked."""
_LONGEST_MATCH = 4096
"""Bytes. A longer match is taken out with what names the secret: to find a group in it would take twenty times as long
as to find the match."""
SHORT_CHARS, _MOST_REMEMBERED = 64, 4096
"""Short texts found clean are remembered: most are keys and words of JSON that come again and again."""
_SET_BYTES = 64 << 20
"""Memory for the automaton of the set. If it were too little the set would find nothing, silently."""


class Scrubber:
    """Scrubs texts; `counts` says how often each pattern was taken out."""

    def __init__(
        self,
        patterns: Iterable[Pattern] = PATTERNS,
        counts: MutableMapping[str, int] | None = None,
        act: Callable[[str, str], str] | None = None,
    ) -> None:
        """`act` says what is written for a pattern's name and what it found; without it, the name in brackets.

        Raises ValueError for a pattern that RE2 cannot compile, or that misses its own examples.
        """
        options = re2.Options()
        options.max_mem = _SET_BYTES
        options.log_errors = False
        self.counts: MutableMapping[str, int] = Counter() if counts is None else counts
        self._act = act
        self._clean: set[str] = set()
        self._set = re2.Set.SearchSet(options)
        self._patterns: list[tuple[Pattern, re2._Regexp, re2._Regexp | None]] = []
        ungrouped = re2.Options()
        ungrouped.max_mem, ungrouped.log_errors, ungrouped.never_capture = _SET_BYTES, False, True
        patterns = tuple(patterns)
        self._is_one = len(patterns) == 1
        for pattern in patterns:
            try:
                regexes = re2.compile(pattern.regex, ungrouped), _grouped(pattern.regex, options)
                if not self._is_one:
                    self._set.Add(pattern.regex)
            except re2.error as error:
                why = error.args[0]
                raise ValueError(f"pattern {pattern.name}: {why.decode() if isinstance(why, bytes) else why}") from None
            self._patterns.append((pattern, *regexes))
        self._set.Add(MARKS)
        self._encoded = len(self._patterns)
        self._set.Compile()
        self._prove()

    def found(self, text: str) -> Sequence[int]:
        """The patterns that occur, to be replaced in this order. Their checks may still find it harmless."""
        is_short = len(text) <= SHORT_CHARS
        if is_short and text in self._clean:
            return ()
        try:
            indexes = self._set.Match(text.encode())
        except UnicodeEncodeError:
            return range(len(self._patterns))
        if self._is_one:
            return range(2 if indexes else 1)
        if indexes:
            return sorted(indexes)
        if is_short:
            if len(self._clean) >= _MOST_REMEMBERED:
                self._clean.clear()
            self._clean.add(text)
        return ()

    def may_be_encoded(self, found: Sequence[int]) -> bool:
        """Whether there was a mark of an encoding too."""
        return bool(found) and found[-1] == self._encoded

    def replace(self, text: str, patterns: Sequence[int]) -> str:
        """Return `text` with every match of these patterns replaced, the same object if there is none."""
        if not self.may_be_encoded(patterns):
            return self._replace(text, patterns)[0]
        # Escapes first: what they interrupt is one secret. The rest later: what it decodes to may end one too early.
        text = self._revealed(text, unescaped)
        return self._revealed(self._replace(text, patterns[:-1])[0], decoded)

    def scrub(self, text: str) -> str:
        """Return `text` with every secret replaced. What comes out is not changed by scrubbing it again."""
        return self.without(text, self.found(text))

    def without(self, text: str, found: Sequence[int]) -> str:
        """Likewise, where it is known which patterns are `found` in the text."""
        for _ in range(_PASSES):
            if not found:
                return text
            if self.may_be_encoded(found):
                scrubbed = around = self.replace(text, found)
            else:
                scrubbed, around = self._replace(text, found)
            if scrubbed == text:
                return text
            text, found = scrubbed, self.found(around) and self.found(scrubbed)
        return REMOVED

    def _revealed(self, text: str, decode: Callable[[str], str]) -> str:
        plain = text
        for _ in range(LAYERS):
            before, plain = plain, decode(plain)
            if plain == before:
                break
            found = self.found(plain)
            scrubbed, _ = self._replace(plain, found[:-1] if self.may_be_encoded(found) else found)
            if scrubbed != plain:
                return scrubbed
        return text

    def _replace(self, text: str, patterns: Iterable[int]) -> tuple[str, str]:
        """The text without these patterns, and the part of it that is around what was replaced."""
        try:
            raw = before = text.encode()
        except UnicodeEncodeError:
            raw, before = text.encode("utf-8", "replace"), b""
        head = tail = len(raw)
        for index in patterns:
            pieces, done = self._cut(raw, *self._patterns[index])
            if pieces:
                head, tail = min(head, len(pieces[0])), min(tail, len(raw) - done)
                raw = b"".join((*pieces, raw[done:]))
        if raw is before:
            return text, ""
        return raw.decode(), raw[max(head - _REACH, 0) : len(raw) - tail + _REACH].decode(errors="ignore")

    def _cut(
        self, raw: bytes, pattern: Pattern, ungrouped: "re2._Regexp", grouped: "re2._Regexp | None"
    ) -> tuple[list[bytes], int]:
        """What is left of `raw` up to its last match, with what is written instead; and where that match ends."""
        pieces: list[bytes] = []
        done = at = 0
        matches = ungrouped.finditer(raw)
        for _ in range(_MOST_MATCHES):
            match = next(matches, None)
            if match is None:
                return pieces, done
            start, end = first, last = match.span()
            if grouped and end - start <= _LONGEST_MATCH and (again := grouped.match(raw, start, end)):
                start, end = again.span(again.lastindex or 0)
            secret = end - start
            if secret <= _LONGEST_CHECKED:
                # Latin-1, so that a character is a byte: the check says how many of them are the secret.
                secret = pattern.check(raw[start:end].decode("latin-1"))
            if secret:
                self.counts[pattern.name] = self.counts.get(pattern.name, 0) + 1
                pieces += (raw[done:start], self._instead(pattern, raw[start : start + secret]))
                at = done = start + secret
            else:
                at = first + 1
            if at != last:
                matches = ungrouped.finditer(raw, at)
        return [*pieces, raw[done:at].decode(errors="ignore").encode(), REMOVED.encode()], len(raw)

    def _instead(self, pattern: Pattern, secret: bytes) -> bytes:
        if self._act is None:
            return pattern.replacement.encode()
        return self._act(pattern.name, secret.decode("utf-8", "replace")).encode()

    def _prove(self) -> None:
        counts = dict(self.counts)
        for pattern, _, _ in self._patterns:
            for example in pattern.found:
                if self.replace(example, self.found(example)) == example:
                    raise ValueError(f"pattern {pattern.name} misses its example {example!r}")
        self.counts.clear()
        self.counts.update(counts)


def _grouped(regex: str, options: "re2.Options") -> "re2._Regexp | None":
    """The expression with its groups; None if it has none: what is found is the secret."""
    compiled = re2.compile(regex, options)
    return compiled if compiled.groups else None
