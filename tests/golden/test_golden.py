"""Captured OTLP in, canonical record out; the diff of `generation.json` is the review (P3, P5, P6).

A case is a folder `SOURCE/CASE` with `in.json` (see `capture.py`). `pytest tests/golden --update-golden` writes what
the line makes of it now.
"""

import json
from collections import Counter
from collections.abc import Container
from pathlib import Path
from typing import Any

import msgspec
import pytest
from _pytest.mark.structures import ParameterSet

from spanwand.operations import FAMILY_OF
from spanwand.record import Generation
from tests.golden.reading import CASES, Counts, answered_counts, captured_in, generations, read_counts
from tests.support.otlp_json import to_bytes, to_json

EMPTY: tuple[object, ...] = (None, "", [], {})


NOT_YET_READ: dict[str, str] = {}
"""Cases (words) of sources that the line does not read rightly yet. A case that it does read must leave this table."""


def name(case: Path) -> str:
    return f"{case.parent.name}/{case.name}"


def is_read(case: Path) -> bool:
    return case.name not in NOT_YET_READ.get(case.parent.name, "").split()


def marked(case: Path) -> ParameterSet:
    return pytest.param(case, marks=() if is_read(case) else pytest.mark.xfail(strict=True, reason="NOT_YET_READ"))


def rendered(value: Any) -> Any:
    """What is known, in plain types: ids in hex, empty fields left out."""
    if isinstance(value, dict):
        return {key: rendered(item) for key, item in value.items() if item not in EMPTY and rendered(item) not in EMPTY}
    if isinstance(value, list | tuple):
        return [rendered(item) for item in value]
    return value.hex() if isinstance(value, bytes) else value


def as_json(made: list[Generation]) -> str:
    plain = [rendered(msgspec.to_builtins(generation, builtin_types=(bytes,))) for generation in made]
    return json.dumps(plain, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("case", [case for case in CASES if is_read(case)], ids=name)
def test_a_capture_becomes_this_record(case: Path, update_golden: bool) -> None:
    actual = as_json(generations(case))
    expected = case / "generation.json"
    if update_golden:
        expected.write_text(actual)
    assert actual == expected.read_text()


def compared(calls: list[Counts], without: Container[str]) -> Counter[tuple[int | str, ...]]:
    return Counter(tuple(call[field] for field in call if field not in without) for call in calls)


@pytest.mark.parametrize("case", [marked(case) for case in CASES], ids=map(name, CASES))
def test_the_record_says_what_the_api_answered(case: Path) -> None:
    """P3: tokens, images and the model of every successful call, against the API's own ledger."""
    captured = captured_in(case)
    without = captured["silent"] | captured["wrong"]
    read = compared(read_counts(case), without)
    answered = compared(answered_counts(captured), without)
    assert read <= answered if captured["unseen"] else read == answered


@pytest.mark.parametrize("case", [case for case in CASES if is_read(case)], ids=name)
def test_gaps_are_no_excuse(case: Path) -> None:
    """P3: a count listed as silent is never read, and one listed as wrong does differ from the answer."""
    captured = captured_in(case)
    read, answered = read_counts(case), answered_counts(captured)
    for field in captured["silent"]:
        assert not any(call[field] for call in read)
    for field in captured["wrong"]:
        assert [call[field] for call in read] != [call[field] for call in answered]
    if captured["unseen"]:
        assert len(read) < len(answered)


@pytest.mark.parametrize("case", CASES, ids=name)
def test_otlp_json_and_protobuf_are_the_same_request(case: Path) -> None:
    request = captured_in(case)["request"]
    assert to_json(to_bytes(request)) == request


def test_usage_that_was_never_sent_is_unknown() -> None:
    """P3: a stream without `include_usage` has no counts, not zero."""
    for case in CASES:
        if case.name == "stream-without-usage" and "input_tokens" not in captured_in(case)["wrong"]:
            (made,) = (made for made in generations(case) if made.operation in FAMILY_OF)
            assert made.usage.input_tokens is None
            assert made.cost.usd is None


def test_an_address_in_the_content_is_redacted() -> None:
    """P6: inside the JSON of the messages too."""
    (case,) = (case for case in CASES if name(case) == "genai-openai-content/chat")
    assert "ada@example.org" in (case / "in.json").read_text()
    made = as_json(generations(case))
    assert "ada@" not in made
    assert "The fox climbs the wall" in made
