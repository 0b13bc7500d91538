"""Captured OTLP in, canonical record out; the diff of `generation.json` is the review (P3, P5, P6).

A case is a folder `SOURCE/CASE` with `in.json` (see `capture.py`). `pytest tests/golden --update-golden` writes what
the line makes of it now.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from spanwand.config import RedactConfig
from spanwand.decode import Decode
from spanwand.drops import Drops
from spanwand.normalise import Normalise
from spanwand.price import Price
from spanwand.record import Generation, Usage
from spanwand.redact import Redact
from tests.support.otlp_json import Json, spans_of, to_bytes, to_json

CASES = sorted(path.parent for path in Path(__file__).parent.glob("*/*/in.json"))
EMPTY: tuple[object, ...] = (None, "", [], {})
KEY = bytes(32)


def name(case: Path) -> str:
    return f"{case.parent.name}/{case.name}"


def generations(case: Json) -> list[Generation]:
    """The first four stages over a captured request."""
    drops = Drops()
    normalise, price = Normalise(("comic.id",)), Price()
    redact = Redact(RedactConfig(content="redacted"), KEY, drops)
    spans, received = Decode(normalise.keys, drops)(to_bytes(case["request"]))
    assert received == len(list(spans_of(case["request"])))
    assert not set(drops) - {"unpriced"}
    found = (normalise(span) for span in spans)
    made: list[Generation] = [redact(price(generation)) for generation in found if generation]
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


@pytest.mark.parametrize("case", CASES, ids=name)
def test_a_capture_becomes_this_record(case: Path, update_golden: bool) -> None:
    actual = as_json(generations(json.loads((case / "in.json").read_text())))
    expected = case / "generation.json"
    if update_golden:
        expected.write_text(actual)
    assert actual == expected.read_text()


def counted(usage: Usage, silent: list[str]) -> tuple[int, ...]:
    """The counts both sides can know; instrumentations leave a count of 0 out."""
    fields = ("input_tokens", "output_tokens", "cached_input_tokens", "reasoning_output_tokens")
    return tuple(getattr(usage, field) or 0 for field in fields if field not in silent)


@pytest.mark.parametrize("case", CASES, ids=name)
def test_the_record_says_what_the_api_answered(case: Path) -> None:
    """P3: tokens, images and the model of every successful call, against the API's own ledger."""
    captured = json.loads((case / "in.json").read_text())
    silent = captured["silent"]
    read = Counter(
        (made.model, counted(made.usage, silent), (made.image and made.image.images) or 0)
        for made in generations(captured)
        if made.failure is None
    )
    answered = Counter(
        (answer["model"], counted(msgspec.convert(answer["usage"], Usage), silent), answer["images"])
        for answer in captured["answered"]
        if answer["status"] == 200
    )
    assert read == answered


@pytest.mark.parametrize("case", CASES, ids=name)
def test_otlp_json_and_protobuf_are_the_same_request(case: Path) -> None:
    request = json.loads((case / "in.json").read_text())["request"]
    assert to_json(to_bytes(request)) == request


def test_usage_that_was_never_sent_is_unknown() -> None:
    """P3: a stream without `include_usage` has no counts, not zero."""
    for case in CASES:
        if case.name == "stream-without-usage":
            (made,) = generations(json.loads((case / "in.json").read_text()))
            assert made.usage.input_tokens is None
            assert made.cost.usd is None


def test_an_address_in_the_content_is_redacted() -> None:
    """P6: inside the JSON of the messages too."""
    (case,) = (case for case in CASES if name(case) == "genai-openai-content/chat")
    assert "ada@example.org" in (case / "in.json").read_text()
    made = as_json(generations(json.loads((case / "in.json").read_text())))
    assert "ada@" not in made
    assert "The fox climbs the wall" in made
