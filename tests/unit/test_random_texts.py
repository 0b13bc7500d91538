"""Random texts, of what is found or nearly is, encodings, marks and noise: cleaned within their steps (R36, P6)."""

import base64
import html
import json
import random
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any
from urllib.parse import quote

import pytest

from spanwand.redact_config import RedactConfig
from spanwand.redactors.content import cleaner
from spanwand.redactors.documents import scrub_document
from spanwand.redactors.patterns import PATTERNS
from spanwand.redactors.scrub import Scrubber
from spanwand.redactors.work import TooMuchWork, Work

SCRUBBER = Scrubber()
MOST_CHARS, TEXTS_OF_A_SEED = 8_192, 100
SEEDS = [*range(5), *(pytest.param(seed, marks=pytest.mark.faults) for seed in range(5, 100))]
AMPLE_BYTES = 1 << 26
"""What is undone of an encoding is shorter, and would have fewer steps."""
CALLS_BEFORE_COUNTING = 16
"""Of RE2: the first look at a text is not counted."""
EXAMPLES = [text for pattern in PATTERNS for text in (*pattern.found, *pattern.left)]
MARKS = [
    *("\\", '"', "'", "{", "}", "[", "]", "\\n", "\\u", "%", "%4", "&#", ";", "=", ":", "@", ".", "+", "-", " ", "\n"),
    *("\x1e", "\n\x1e\n", "[email]", "[removed]", "token=", "password: ", "cookie:", "call ", "://"),
]
ENCODINGS: tuple[Callable[[str], str], ...] = (
    json.dumps,
    lambda text: json.dumps({"args": json.dumps([text])}),
    lambda text: json.dumps({text: 4111111111111111}),
    lambda text: json.dumps({"name": text, "value": text}),
    lambda text: json.dumps([{"name": text, "value": 4111111111111111.0}, None, text]),
    lambda text: base64.b64encode(text.encode()).decode(),
    lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    quote,
    lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    lambda text: "".join(f"&#{ord(character)};" for character in text),
    html.escape,
    lambda text: "".join(f"\\x{byte:02x}" for byte in text.encode()),
    lambda text: json.dumps(text).strip('"'),
    repr,
)
UNICODE = (*range(0xD800), *range(0xE000, 0x11000))
NOISES: tuple[Callable[[random.Random, int], str], ...] = (
    lambda rng, size: "".join(map(chr, rng.choices(range(32, 127), k=size))),
    lambda rng, size: "".join(map(chr, rng.choices(UNICODE, k=size))),
    lambda rng, size: "".join(rng.choices("\\\"'{}[]:,%&#;=@.+/-_ \n", k=size)),
    lambda rng, size: "".join(rng.choices("0123456789 -", k=size)),
    lambda rng, size: base64.b64encode(rng.randbytes(size)).decode(),
    lambda rng, size: rng.randbytes(size).hex(),
    lambda _, size: " word" * (size // 5),
)


def example(rng: random.Random) -> str:
    """One as it is, cut, interrupted, or many times."""
    text = rng.choice(EXAMPLES)
    start, end = sorted(rng.choices(range(len(text) + 1), k=2))
    return rng.choice(
        (text, text[start:end], text[:start] + rng.choice(MARKS) + text[start:], text * rng.randint(2, 40))
    )


def piece(rng: random.Random) -> str:
    """An example, a mark or noise, as it is or encoded up to three times."""
    makers = (example, lambda rng: rng.choice(MARKS), lambda rng: rng.choice(NOISES)(rng, rng.choice((1, 9, 60, 300))))
    text = rng.choices(makers, (4, 2, 4))[0](rng)
    for _ in range(rng.choice((0, 0, 0, 1, 1, 2, 3))):
        text = rng.choice(ENCODINGS)(text[:MOST_CHARS])
    return text


def random_text(rng: random.Random) -> str:
    """At most 8 KB of many pieces or of a few again and again; some are encoded as a whole, some of those cut."""
    size, between = rng.choice((16, 64, 300, 1_000, MOST_CHARS)), rng.choice(("", "", " ", "\n", ","))
    pieces = [piece(rng) for _ in range(rng.choice((1, 2, 4, 30, 30, 30)))]
    text = between.join(rng.choices(pieces, k=size // 4))[:size]
    for _ in range(rng.choice((0, 0, 0, 1, 2, 3))):
        text = rng.choice(ENCODINGS)(text[:MOST_CHARS])
    return text[: rng.choice((MOST_CHARS, MOST_CHARS, size))]


def cleaned(text: str, work: Work) -> tuple[str | None, int]:
    """What leaves of it, nothing if it is too much work; and how often that called RE2."""
    calls = 0

    def see(_: FrameType, event: str, called: Any) -> None:  # whatever Python calls
        nonlocal calls
        calls += event == "c_call" and called.__name__ == "Match"

    before = sys.getprofile()
    sys.setprofile(see)
    try:
        return scrub_document(text, SCRUBBER, work), calls
    except TooMuchWork:
        return None, calls
    finally:
        sys.setprofile(before)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_texts_are_cleaned_within_their_steps(seed: int) -> None:
    """R36: RE2 is called no more often than is paid for, whether the text leaves or is refused; and what leaves is
    clean."""
    rng = random.Random(seed)
    for text in [random_text(rng) for _ in range(TEXTS_OF_A_SEED)]:
        work = Work(len(text))
        steps = work.left
        clean, calls = cleaned(text, work)
        assert calls <= steps - max(work.left, 0) + CALLS_BEFORE_COUNTING, text
        assert clean is None or scrub_document(clean, SCRUBBER, Work(AMPLE_BYTES)) == clean, text


@pytest.mark.parametrize("seed", SEEDS)
def test_random_texts_that_are_cut_are_clean_and_fit(seed: int) -> None:
    """P6: a cut may leave, or make, what looks like a secret."""
    rng = random.Random(-1 - seed)
    for text in [random_text(rng) for _ in range(TEXTS_OF_A_SEED)]:
        limit = rng.choice((0, 20, 60, 200, 1_000))
        config = RedactConfig(policy="redacted", content_max_chars=limit)
        with suppress(TooMuchWork):
            clean = cleaner(config, b"key", SCRUBBER)(text)
            assert len(clean) <= limit
            assert scrub_document(clean, SCRUBBER, Work(AMPLE_BYTES)) == clean, text


def test_numbers_that_become_texts_come_with_their_names() -> None:
    """P6: once, and not only when they are cleaned again."""
    clean = '[{"name":"password: ","value":"[removed]"}]'
    assert scrub_document('[{"name": "password: ", "value": 4111111111111111}]', SCRUBBER) == clean
    assert scrub_document(clean, SCRUBBER) == clean


@pytest.mark.parametrize("wrap", [str, lambda text: json.dumps({"q": text}), lambda text: json.dumps([[text]])])
def test_what_was_encoded_is_looked_at_as_json(wrap: Callable[[str], str]) -> None:
    """P6: names beside values are seen there too, though the e-mail address alone shows that it was encoded."""
    hidden = '{"mail": "jane@example.com", "with": {"name": "password", "x": 1, "value": "hunter2hunter2"}}'
    for text in (
        wrap(hidden),
        wrap(quote(hidden)),
        quote(wrap(hidden)),
        base64.b64encode(wrap(hidden).encode()).decode(),
    ):
        clean = scrub_document(text, SCRUBBER)
        assert "jane" not in clean
        assert "hunter2" not in clean
        assert scrub_document(clean, SCRUBBER) == clean


def test_names_beside_values_are_seen_in_json_in_json() -> None:
    """P6: nothing else may give it away."""
    arguments = json.dumps({"name": "password", "x": 1, "value": "hunter2hunter2"})
    clean = scrub_document(json.dumps({"arguments": arguments}), SCRUBBER)
    assert clean == '{"arguments":"{\\"name\\":\\"password\\",\\"x\\":1,\\"value\\":\\"[secret]\\"}"}'
