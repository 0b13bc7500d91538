"""Captured OTLP in, canonical record out; the diff of `generation.json` is the review (P3, P5, P6).

A case is a folder `SOURCE/CASE` with `in.json` (see `capture.py`). `pytest tests/golden --update-golden` writes what
the line makes of it now.
"""

import json
from collections import Counter
from collections.abc import Container
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from _pytest.mark.structures import ParameterSet

from spanwand.config import RedactConfig
from spanwand.decode import Decode
from spanwand.drops import Drops
from spanwand.normalise import Normalise
from spanwand.operations import FAMILY_OF
from spanwand.price import Price
from spanwand.record import Generation, Usage
from spanwand.redact import Redact
from tests.support.otlp_json import Json, spans_of, to_bytes, to_json

CASES = sorted(path.parent for path in Path(__file__).parent.glob("*/*/in.json"))
EMPTY: tuple[object, ...] = (None, "", [], {})
DROPS = Drops()
NORMALISE, PRICE = Normalise(("comic.id",)), Price()
DECODE = Decode(NORMALISE.keys, DROPS)
REDACT = Redact(RedactConfig(content="redacted"), bytes(32), DROPS)


NOT_YET_READ: dict[str, str] = {
    "genai-anthropic+sdk": "chat cached-and-reasoning-stream tools",
}
"""Cases (words) of sources that the line does not read rightly yet. A case that it does read must leave this table."""


def name(case: Path) -> str:
    return f"{case.parent.name}/{case.name}"


def is_read(case: Path) -> bool:
    return case.name not in NOT_YET_READ.get(case.parent.name, "").split()


def marked(case: Path) -> ParameterSet:
    return pytest.param(case, marks=() if is_read(case) else pytest.mark.xfail(strict=True, reason="NOT_YET_READ"))


@cache
def captured_in(case: Path) -> Json:
    captured: Json = json.loads((case / "in.json").read_text())
    return captured


@cache
def generations(case: Path) -> list[Generation]:
    """The first four stages over a captured request."""
    sent = captured_in(case)["request"]
    spans, received = DECODE(to_bytes(sent))
    assert received == len(list(spans_of(sent)))
    found = (NORMALISE(span) for span in spans)
    made: list[Generation] = [REDACT(PRICE(generation)) for generation in found if generation]
    assert not DROPS
    return sorted(made, key=lambda generation: generation.start_ns)


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


Counts = dict[str, int | str]


def counts(model: str, usage: Usage, images: int | None) -> Counts:
    """What both sides know of one call; instrumentations leave a count of 0 out."""
    tokens: dict[str, int | None] = msgspec.structs.asdict(usage)
    return {"model": model, "images": images or 0, **{field: count or 0 for field, count in tokens.items()}}


def read_counts(case: Path) -> list[Counts]:
    """What the line reads of every successful model call."""
    return [
        counts(made.model, made.usage, made.image.images if made.image else 0)
        for made in generations(case)
        if made.failure is None and made.operation in FAMILY_OF
    ]


def answered_counts(captured: Json) -> list[Counts]:
    """What the API answered to every successful call."""
    return [
        counts(answer["model"], msgspec.convert(answer["usage"], Usage), answer["images"])
        for answer in captured["answered"]
        if answer["status"] == 200
    ]


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
        if case.name == "stream-without-usage":
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
