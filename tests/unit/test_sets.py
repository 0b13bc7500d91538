"""R36: expressions are found whichever set they are in, and told by their numbers, in order."""

from spanwand.redactors.pattern import Pattern
from spanwand.redactors.patterns import PATTERNS
from spanwand.redactors.scrub import Scrubber
from spanwand.redactors.sets import Sets


def test_numbers_come_in_order_over_all_sets() -> None:
    sets = Sets([[(0, "a"), (2, "c")], [], [(1, "b"), (7, r"\d")]])
    assert sets.found(b"c b a 1") == [0, 1, 2, 7]
    assert sets.found(b"b") == [1]
    assert not sets.found(b"z")


def test_a_set_finds_what_its_expressions_find_alone() -> None:
    """P6: which set a pattern is in changes nothing about what is found."""
    scrubber = Scrubber()
    examples = [example for pattern in PATTERNS for example in pattern.found]
    for text in [*examples, "\n".join(examples)]:
        found = scrubber.found(text)
        alone = [at for at, pattern in enumerate(PATTERNS) if Sets([[(0, pattern.regex)]]).found(text.encode())]
        assert [at for at in found if at < len(PATTERNS)] == alone


def test_a_set_does_not_count_to_hundreds() -> None:
    """R36: random ASCII cost 0.7 µs a character where it did. What is too long is looked for, and not found."""
    quoted = r"\"([^\s\"\[]{6,200})\" == password"
    long = f'"{"h" * 201}" == password'
    assert Sets([[(0, quoted)]]).found(long.encode()) == [0]
    counts: dict[str, int] = {}
    scrubber = Scrubber([Pattern("quoted", quoted, (), ()), Pattern("other", "[0-9]{3,}x", (), ())], counts)
    assert scrubber.scrub(long) == long
    assert scrubber.scrub(long.replace("h", "", 1)) == '"[quoted]" == password'
    assert counts == {"quoted": 1}
