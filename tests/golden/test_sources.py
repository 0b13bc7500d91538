"""Every case can be captured again: its source is in `sources/`, and says what its `in.json` says (P3)."""

from pathlib import Path

import pytest

from tests.golden.reading import CASES, GOLDEN, NESTED, captured_in
from tests.golden.source import noted
from tests.golden.sources import SOURCES

LARGEST_BYTES = 60 * 1024


@pytest.mark.parametrize("case", [*CASES, *NESTED], ids=lambda case: str(case.relative_to(GOLDEN)))
def test_a_case_is_what_its_source_says(case: Path) -> None:
    source, captured = SOURCES[str(case.parent.relative_to(GOLDEN))], captured_in(case)
    assert case.name in source.programs
    packages = dict(requirement.split("==") for requirement in source.requirements)
    assert captured["source"] == packages | dict(source.environment)
    assert captured["silent"] == noted(source.silent, case.name)
    assert captured["wrong"] == noted(source.wrong, case.name)
    assert captured["unseen"] == source.unseen.get(case.name, "")
    assert captured.get("documented", "") == source.documented


def test_captures_stay_small() -> None:
    large = [case for case in (*CASES, *NESTED) if (case / "in.json").stat().st_size > LARGEST_BYTES]
    assert not large
