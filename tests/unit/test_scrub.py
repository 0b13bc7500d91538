"""Patterns: every one proves itself, in text and inside JSON, in time linear in the text (P6, R36)."""

import base64
import json
from contextlib import suppress

import pytest

from spanwand.redactors.checks import always
from spanwand.redactors.decoded import TooManyMarks, decoded, unescaped
from spanwand.redactors.documents import scrub_document
from spanwand.redactors.pattern import Pattern
from spanwand.redactors.patterns import PATTERNS
from spanwand.redactors.scrub import Scrubber

MAIL = "jane@example.com"
SCRUBBER = Scrubber()


@pytest.mark.parametrize("pattern", PATTERNS, ids=[f"{p.name}-{index}" for index, p in enumerate(PATTERNS)])
def test_every_pattern_proves_itself(pattern: Pattern) -> None:
    """Examples that must be found and must be left, alone and in the middle of a text."""
    assert pattern.found
    assert pattern.left
    for text in pattern.found:
        scrubbed = SCRUBBER.scrub(f"so {text} it was")
        assert pattern.replacement in scrubbed, scrubbed
    for text in pattern.left:
        assert SCRUBBER.scrub(text) == text
        assert SCRUBBER.scrub(f"so, {text}") == f"so, {text}"


def test_counts_say_which_rule_did_what() -> None:
    scrubber = Scrubber()
    scrubber.scrub(f"{MAIL} and bob@example.org from 203.0.113.9")
    assert scrubber.counts == {"email": 2, "ip": 1}


def test_secret_directly_behind_a_near_miss_is_found() -> None:
    assert SCRUBBER.scrub("4000 4111 1111 1111 1111") == "4000 [card]"


@pytest.mark.parametrize("behind", [" please", " aaaaaa", "\nHOST=localhost", "\nAPI_KEY=a1b2c3d4e5f6", " [secret]"])
@pytest.mark.parametrize("secret", ["hunter2", "hunter2x", "a1b2c3"])
@pytest.mark.parametrize("name", ["DB_PASSWORD=", "password: ", '"pwd" : ', "token => ", "my password is "])
def test_a_short_secret_with_a_word_behind_it(name: str, secret: str, behind: str) -> None:
    """One of up to eight letters and digits may also be a word that leads to the secret: then both are looked at."""
    assert secret not in SCRUBBER.scrub(f"{name}{secret}{behind}")


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("password=hunter2 please", "password=[secret] please"),
        ("password=hunter2 \u00e0\u00e0\u00e0\u00e0", "password=[secret] \u00e0\u00e0\u00e0\u00e0"),
        ("password=hunter2\nHOST is there", "password=[secret]\nHOST is there"),
        ("token: Bearer a1b2c3d4", "token: [secret]"),
        ("password was recently changed", "password was recently changed"),
        ("token: abc12 foobar", "token: abc12 foobar"),  # too short, alone as well
        ('"token": "the password=> hunter2"', '"token": "the password=> [secret]"'),
        ('{"value": "hunter2x battery staple", "name": "password"}', '{"value": "[secret]", "name": "password"}'),
        ('{"value": "abc1 defghi", "name": "password"}', '{"value": "[secret]", "name": "password"}'),
    ],
)
def test_of_two_words(text: str, clean: str) -> None:
    """Behind a name either may be the secret; what stands in quotes before one is so with all its words."""
    assert SCRUBBER.scrub(text) == clean


@pytest.mark.parametrize(
    "document",
    [
        {"content": MAIL},
        [{"role": "user", "parts": [{"text": f"line\n{MAIL}\n"}]}],
        {MAIL: 1},
        {"args": json.dumps({"to": MAIL})},
        {"args": json.dumps({"inner": json.dumps({"to": f'"{MAIL}"'})})},
        {"number": 4111111111111111},
        {"text": "line\n4111 1111 1111 1111\n"},
    ],
)
def test_inside_json(document: object) -> None:
    """Keys, leaves, JSON in JSON, escapes, numbers; what comes out is JSON still."""
    escaped = json.dumps(document).replace("@", "\\u0040")
    for text in (json.dumps(document), escaped):
        clean = scrub_document(text, SCRUBBER)
        assert "example.com" not in clean
        assert "1111" not in clean
        json.loads(clean)


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("key", ["password", "api_key", "client_secret", "accessToken", "OPENAI_API_KEY"])
def test_a_secret_that_only_its_key_gives_away(key: str, nested: bool) -> None:
    """P6: arguments of tools are objects, in which the name of a secret and the secret are two strings."""
    arguments = {"user": "jane", key: "hunter2hunter2", "note": "line\nline", "tries": 3}
    document = {"arguments": json.dumps(arguments) if nested else arguments}
    clean = json.loads(scrub_document(json.dumps(document), SCRUBBER))["arguments"]
    assert (json.loads(clean) if nested else clean) == arguments | {key: "[secret]"}


@pytest.mark.parametrize("value_first", [False, True])
def test_a_secret_beside_its_name(value_first: bool) -> None:
    """P6: lists of headers, fields and variables, whichever comes first and however long the secret is."""
    secret = "hunter2" * 12
    named = {"value": secret, "name": "password"} if value_first else {"name": "password", "value": secret}
    clean = json.loads(scrub_document(json.dumps({"headers": [named, {"name": "x", "value": "y"}]}), SCRUBBER))
    assert clean["headers"] == [{"name": "password", "value": "[secret]"}, {"name": "x", "value": "y"}]


def test_a_card_number_as_a_float() -> None:
    assert scrub_document('{"card": 4111111111111111.0, "e": 1e300, "i": 1.5}', SCRUBBER).count("card") == 2


@pytest.mark.parametrize(
    "text",
    [
        "?to=jane%40example.com&x=1",
        "?to=jane%2540example.com",
        "jane&#64;example.com",
        "jane&#x40;example.com",
        "jane&commat;example.com",
        "logged: jane\\u0040example.com",
        "logged: jane\\x40example.com",
        '\ufeff{"to": "jane\\u0040example.com"}',
        'got {"a": "{\\"password\\": \\"example.com1\\"}"}',
        "data:text/plain;base64," + base64.b64encode(f"please mail {MAIL} now".encode()).decode(),
        "key " + base64.urlsafe_b64encode(f"?>?>?> {MAIL} ~~~".encode()).decode().rstrip("="),
        "https://u:p%2Fexample.com@host/?m=a%40b.com",
        "card%204111%201111%201111%201111",
    ],
)
def test_encoded_secrets_are_found(text: str) -> None:
    """R33: percent encoding, HTML references, escapes and base64, in layers, in text and in JSON."""
    for sent in (text, json.dumps({"content": text}), json.dumps({"content": " ".join([text] * 3)})):
        clean = decoded(decoded(unescaped(scrub_document(sent, SCRUBBER))))
        assert "example.com" not in clean
        assert "1111" not in clean


@pytest.mark.parametrize(
    "text",
    ["100%25 &amp; more", "C:\\temp\\new", "a&b;c", base64.b64encode(bytes(range(256))).decode(), "3f" * 32, "%zz"],
)
def test_encoded_text_without_secrets_stays_as_it_is(text: str) -> None:
    assert scrub_document(text, SCRUBBER) is text


@pytest.mark.parametrize(
    "text",
    [
        '[{"role":"user","content":"mail jane\\u0040example.com or so',
        '{"content":"line\\n4111 1111 1111 1111\\nand then',
        '{"a":"\\ud800 jane@example.com"}',
        "{" * 5000 + MAIL,
    ],
)
def test_json_cut_in_the_middle_is_read_as_text(text: str) -> None:
    """`OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT` cuts JSON mid-string (reference/peers.md 2.4)."""
    clean = scrub_document(text, SCRUBBER)
    assert "example.com" not in clean
    assert "1111" not in clean


def test_clean_text_is_not_rewritten() -> None:
    for text in ('{"b": 1.0, "a": [ 1 ]}', "C:\\temp\\new", '{"x":"a\\nb"}', "", "[", '"', "{not json\\n"):
        assert scrub_document(text, SCRUBBER) is text


def test_patterns_are_checked_before_anything_starts() -> None:
    """R36: what RE2 cannot compile is refused, never run by `re`."""
    with pytest.raises(ValueError, match="pattern back"):
        Scrubber((Pattern("back", r"(a)\1", ("aa",), ("ab",), always),))
    with pytest.raises(ValueError, match="misses its example"):
        Scrubber((Pattern("never", r"\d{3}", ("ab",), ("ab",), always),))


@pytest.mark.parametrize(
    "piece",
    [
        "4111 ",
        "1",
        "a@",
        "+1 ",
        "wandb ",
        "bearer ",
        "a:b:",
        "DE89 ",
        "://a",
        "-----BEGIN PRIVATE KEY-----",
        "1.1.1.",
        "sk-",
    ],
)
def test_hostile_texts_stay_linear(piece: str) -> None:
    """R36: a megabyte of near misses ends. Quadratic time would be minutes, which the suite's timeout stops."""
    assert SCRUBBER.scrub(piece * (1_000_000 // len(piece)))


@pytest.mark.parametrize("piece", ["\\n", "%41 ", "&#65; ", "\\u0041", "%41", "aGVsbG8gd29ybGQg", "%25"])
def test_hostile_encodings_are_bounded(piece: str) -> None:
    """R36: a megabyte of them is decoded, or refused, and then no text of the record leaves."""
    with suppress(TooManyMarks):
        SCRUBBER.scrub(piece * (1_000_000 // len(piece)))


def test_more_matches_than_anybody_writes_take_the_rest_with_them() -> None:
    """R36: the time of near misses is bounded, and what was not looked at does not leave."""
    for piece in ("4111111111111112 ", "4111111111111111 "):
        clean = SCRUBBER.scrub(piece * 5_000 + MAIL)
        assert clean.endswith("[removed]")
        assert len(clean) < 1_001 * len(piece)
        assert SCRUBBER.scrub(clean) == clean


def test_a_text_that_is_no_unicode_comes_out_as_unicode() -> None:
    assert SCRUBBER.scrub(f"\ud800{MAIL}\ud800") == "?[email]?"


def test_short_texts_are_remembered_up_to_a_limit() -> None:
    """R25."""
    for number in range(10_000):
        assert SCRUBBER.found(f"word {number}") == ()
    assert len(SCRUBBER._clean) <= 4_096


def test_a_renewed_scrubber_knows_its_patterns_and_no_text() -> None:
    """Design 8: the automaton of the examples, which is larger than that of prose, does not stay."""
    scrubber = Scrubber()
    assert not scrubber._clean
    assert scrubber.found("a word") == ()
    before = {pattern.name: scrubber.scrub(pattern.found[0]) for pattern in PATTERNS}
    scrubber.renew()
    assert not scrubber._clean
    assert {pattern.name: scrubber.scrub(pattern.found[0]) for pattern in PATTERNS} == before
