"""Takes every match of a table of patterns out of a text.

A pass of RE2 sets over the text says which patterns occur at all: most texts are clean, and done with at that.
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
from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager

import re2

from spanwand.redactors.checks import LONGEST, STEPS
from spanwand.redactors.decoded import LAYERS, MARKS, decoded, unescaped
from spanwand.redactors.pattern import Pattern
from spanwand.redactors.patterns import PATTERNS
from spanwand.redactors.sets import Sets
from spanwand.redactors.spans import NOWHERE, Span, Spans
from spanwand.redactors.work import TooMuchWork, Work

REMOVED = "[removed]"
"""Written instead of a text that does not become clean."""
_PASSES = 4
_STEPS_OF_A_MATCH, _STEPS_OF_A_GROUP, _STEPS_OF_AN_ACTION = 2, 3, 10
"""What it takes to find a match and to write something instead; to find its group; and for an expression of a user,
any of whose matches may cost a look at all that is behind it."""
_LONGEST_CHECKED = _REACH = LONGEST
"""Bytes. A longer secret is taken out unchecked."""
_LONGEST_MATCH = 4096
"""Bytes. A longer match is taken out with what names the secret: to find a group in it would take twenty times as long
as to find the match."""
SHORT_CHARS, _MOST_REMEMBERED = 64, 4096
"""Short texts found clean are remembered: most are keys and words of JSON that come again and again."""
_PATTERN_BYTES = 64 << 20
"""Memory for the automata of a pattern."""
_APART = frozenset({"card", "secret"})
"""What goes into a set of its own, with the marks of encodings: measured, of the pairs and threes (docs/adr/0039)."""


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
        self.counts: MutableMapping[str, int] = Counter() if counts is None else counts
        self._act = act
        self._clean: set[str] = set()
        self._patterns = [(pattern, _compiled(pattern)) for pattern in patterns]
        self._encoded = len(self._patterns)
        self._is_one = self._encoded == 1
        self._sets = self._new_sets()
        self._prove()

    def renew(self) -> None:
        """Forget all texts so far: an automaton grows with what it has seen, and examples are like nothing else."""
        self._clean.clear()
        re2.purge()  # it keeps what it compiled last, and what that has grown to
        self._patterns = [(pattern, _compiled(pattern)) for pattern, _ in self._patterns]
        self._sets = self._new_sets()

    def found(self, text: str) -> Sequence[int]:
        """The patterns that occur, to be replaced in this order. Their checks may still find it harmless."""
        is_short = len(text) <= SHORT_CHARS
        if is_short and text in self._clean:
            return ()
        try:
            indexes = self._sets.found(text.encode())
        except UnicodeEncodeError:
            return range(len(self._patterns))
        if self._is_one:
            return range(2 if indexes else 1)
        if indexes:
            return indexes
        if is_short:
            if len(self._clean) >= _MOST_REMEMBERED:
                self._clean.clear()
            self._clean.add(text)
        return ()

    def may_be_encoded(self, found: Sequence[int]) -> bool:
        """Whether there was a mark of an encoding too."""
        return bool(found) and found[-1] == self._encoded

    def replace(self, text: str, patterns: Sequence[int], work: Work | None = None) -> str:
        """Return `text` with every match of these patterns replaced, the same object if there is none.

        Raises TooMuchWork.
        """
        work = work or Work(len(text))
        if not self.may_be_encoded(patterns):
            return self._replace(text, patterns, work)[0]
        # Escapes first: what they interrupt is one secret. The rest later: what it decodes to may end one too early.
        text = self._revealed(text, unescaped, work)
        return self._revealed(self._replace(text, patterns[:-1], work)[0], decoded, work)

    def hides(self, text: str, patterns: Sequence[int], work: Work) -> bool:
        """Whether a text that may be encoded holds a secret that only decoding shows. Raises TooMuchWork."""
        with self._uncounted():
            if self._revealed(text, unescaped, work) != text:
                return True
            plain = self._replace(text, patterns[:-1], work)[0]
            return self._revealed(plain, decoded, work) != plain

    def scrub(self, text: str) -> str:
        """Return `text` with every secret replaced. What comes out is not changed by scrubbing it again."""
        try:
            return self.without(text, self.found(text), Work(len(text)))
        except TooMuchWork:
            return REMOVED

    def without(self, text: str, found: Sequence[int], work: Work) -> str:
        """Likewise, where it is known which patterns are `found` in the text. Raises TooMuchWork."""
        for _ in range(_PASSES):
            if not found:
                return text
            if self.may_be_encoded(found):
                scrubbed = around = self.replace(text, found, work)
            else:
                scrubbed, around = self._replace(text, found, work)
            if scrubbed == text:
                return text
            text, found = scrubbed, self._found(around, work) and self._found(scrubbed, work)
        return REMOVED

    def _found(self, text: str, work: Work) -> Sequence[int]:
        work.look(len(text))
        return self.found(text)

    def _revealed(self, text: str, decode: Callable[[str, Work], str], work: Work) -> str:
        plain = text
        for _ in range(LAYERS):
            work.look(len(plain))
            before, plain = plain, decode(plain, work)
            if plain == before:
                break
            found = self._found(plain, work)
            scrubbed, _ = self._replace(plain, found[:-1] if self.may_be_encoded(found) else found, work)
            if scrubbed != plain:
                return scrubbed
        return text

    def _replace(self, text: str, patterns: Iterable[int], work: Work) -> tuple[str, str]:
        """The text without these patterns, and the part of it that is around what was replaced."""
        try:
            raw = before = text.encode()
        except UnicodeEncodeError:
            raw, before = text.encode("utf-8", "replace"), b""
        head = tail = len(raw)
        for index in patterns:
            work.look(len(raw))
            pieces, done = self._cut(raw, *self._patterns[index], work)
            if pieces:
                head, tail = min(head, len(pieces[0])), min(tail, len(raw) - done)
                raw = b"".join((*pieces, raw[done:]))
        if raw is before:
            return text, ""
        return raw.decode(), raw[max(head - _REACH, 0) : len(raw) - tail + _REACH].decode(errors="ignore")

    def _cut(self, raw: bytes, pattern: Pattern, spans: Spans, work: Work) -> tuple[list[bytes], int]:
        """What is left of `raw` up to its last match, with what is written instead; and where that match ends."""
        pieces: list[bytes] = []
        done = at = 0
        find, steps, instead = spans.find, self._steps(pattern, spans), self._instead(pattern)
        while at <= len(raw) and (span := find(raw, at))[0] != NOWHERE:
            work.spend(steps)
            start, end = _secret(raw, span, pattern, spans)
            if start < end:
                pieces += (raw[done:start], instead(raw[start:end]))
                at = done = end
            else:
                at = span[0] + 1
        if pieces:
            self.counts[pattern.name] = self.counts.get(pattern.name, 0) + len(pieces) // 2
        return pieces, done

    def _steps(self, pattern: Pattern, spans: Spans) -> int:
        group = _STEPS_OF_A_GROUP if spans.groups else 0
        action = 0 if self._act is None else _STEPS_OF_AN_ACTION
        return _STEPS_OF_A_MATCH + STEPS.get(pattern.check, 1) + group + action

    def _instead(self, pattern: Pattern) -> Callable[[bytes], bytes]:
        act, replacement = self._act, pattern.replacement.encode()
        if act is None:
            return lambda _: replacement
        return lambda secret: act(pattern.name, secret.decode("utf-8", "replace")).encode()

    def _new_sets(self) -> Sets:
        regexes = [] if self._is_one else [(at, pattern) for at, (pattern, _) in enumerate(self._patterns)]
        together = [(at, pattern.regex) for at, pattern in regexes if pattern.name not in _APART]
        apart = [(at, pattern.regex) for at, pattern in regexes if pattern.name in _APART]
        return Sets((together, [*apart, (self._encoded, MARKS)]))

    def _prove(self) -> None:
        with self._uncounted():
            for pattern, _ in self._patterns:
                for example in pattern.found:
                    if self.replace(example, self.found(example)) == example:
                        raise ValueError(f"pattern {pattern.name} misses its example {example!r}")

    @contextmanager
    def _uncounted(self) -> Iterator[None]:
        counts = dict(self.counts)
        yield
        self.counts.clear()
        self.counts.update(counts)


def _compiled(pattern: Pattern) -> Spans:
    try:
        return Spans(pattern.regex, _PATTERN_BYTES)
    except re2.error as error:
        why = error.args[0]
        raise ValueError(f"pattern {pattern.name}: {why.decode() if isinstance(why, bytes) else why}") from None


def _secret(raw: bytes, span: Span, pattern: Pattern, spans: Spans) -> Span:
    """What is to be taken out of a match."""
    start, end = span
    if spans.groups and end - start <= _LONGEST_MATCH:
        start, end = spans.group(raw, span)
    if end - start > _LONGEST_CHECKED:
        return start, end
    # Latin-1, so that a character is a byte: the check says how many of them are the secret.
    return start, start + pattern.check(raw[start:end].decode("latin-1"))
