"""Which of many expressions occur in a text: RE2 sets find out in a pass each, with automata that grow as they read.

A state is what the text may be in the middle of, of all expressions of a set at once. In random letters and digits that
is something else at nearly every place: with all in one set, base64 cost 0.6 µs a character and filled any memory. So
there are two sets, of expressions that have few states together, for 2 ns a character of prose.

And a set does not count to hundreds: between quotes, an expression of 6 to 200 characters is in the middle of as many
numbers of them as there were quotes. What a set finds too much the expression itself does not find.
"""

import re
from collections.abc import Iterable, Sequence

import re2

_SET_BYTES = 16 << 20
"""Memory for the automaton of a set; prose needs 3 MB. If it were too little the set would find nothing, silently."""
_MANY = re.compile(r"\{(\d+),\d{3,}\}")


class Sets:
    """Expressions, none with braces in a class, in groups, each of which is a set."""

    def __init__(self, groups: Iterable[Iterable[tuple[int, str]]]) -> None:
        """Expressions are told by their numbers. Raises re2.error if RE2 cannot compile one."""
        self._sets: list[tuple[re2.Set, list[int]]] = []
        for group in map(dict, groups):
            if group:
                self._sets.append((_set_of(group.values()), list(group)))

    def found(self, raw: bytes) -> Sequence[int]:
        """The numbers of those that occur, in order, and of those that may: of some that go on for hundreds."""
        return sorted([numbers[at] for one, numbers in self._sets for at in one.Match(raw) or ()])


def _set_of(regexes: Iterable[str]) -> re2.Set:
    options = re2.Options()
    options.max_mem, options.log_errors = _SET_BYTES, False
    made = re2.Set.SearchSet(options)
    for regex in regexes:
        made.Add(_MANY.sub(r"{\1,}", regex))
    made.Compile()
    return made
