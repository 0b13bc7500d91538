"""How the calls of the captures are counted, and by which rules (`docs/counting.md`)."""

from collections.abc import Iterator
from pathlib import Path

from spanwand.operations import FAMILY_OF
from tests.golden.reading import CASES, GOLDEN, NESTED, calls, captured_in, generations

Row = tuple[str, ...]


def counted() -> Iterator[Row]:
    """Of each case that a rule decided: spans that report calls, calls counted, answers of the API, rules."""
    for case in (*NESTED, *CASES):
        rules = rules_of(case)
        if rules:
            spans = sum(made.operation in FAMILY_OF for made in generations(case))
            figures = (spans, len(calls(case)), len(captured_in(case)["answered"]))
            yield f"`{case.relative_to(GOLDEN)}`", *map(str, figures), ", ".join(f"`{rule}`" for rule in rules)


def rules_of(case: Path) -> list[str]:
    """The rules that decided in a case."""
    return sorted({rule for call in calls(case) if call.counting for rule in call.counting.rules})
