"""Redaction: what leaves and what does not (P6, R36, R37)."""

from collections import Counter
from typing import Any

import pytest
from msgspec.structs import asdict, replace

from spanwand.config import RedactConfig
from spanwand.content import NO_CONTENT, Content
from spanwand.drops import DropReason, Drops
from spanwand.errors import ConfigError
from spanwand.operations import Operation
from spanwand.record import Failure, Generation, ImageParams, Service, Usage
from spanwand.redact import Redact, opened
from spanwand.redactors import checks
from spanwand.redactors.scrub import Scrubber
from spanwand.redactors.users import pseudonym
from spanwand.request import TraceRoot

KEY = b"secret of this installation"
MAIL = "jane@example.com"


def generation(**more: object) -> Generation:
    fields: dict[str, object] = {
        "trace_id": b"\1" * 16,
        "span_id": b"\2" * 8,
        "start_ns": 1,
        "end_ns": 2,
        "service": Service(name="comic"),
        "dialect": "gen_ai",
        "operation": Operation.CHAT,
        "request_model": "gpt-4o",
        "usage": Usage(input_tokens=5),
        "attributes": {},
        "sources": {},
        **more,
    }
    return Generation(**fields)  # type: ignore[arg-type]  # by name


DROP = RedactConfig()
KEEP = RedactConfig(policy="redacted")


def redacted(config: RedactConfig, **more: object) -> Generation:
    drops: Drops = Counter()
    clean = opened(Redact(config, KEY, drops)(generation(**more)))
    assert not drops
    return clean


def test_content_is_dropped_by_default() -> None:
    said = Content(input="hi", output="ho", system="be", negative_prompt="no")
    clean = redacted(DROP, content=said, failure=Failure("429", "you said: hi"))
    assert clean.content is NO_CONTENT
    assert clean.failure == Failure("429")


def test_content_redacted() -> None:
    said = Content(input=f"write {MAIL}", output='[{"role":"assistant","content":"ok"}]')
    clean = redacted(KEEP, content=said, failure=Failure("400", f"bad: {MAIL}"))
    assert clean.content == Content(input="write [email]", output=said.output)
    assert clean.failure == Failure("400", "bad: [email]")


def test_cut_after_redaction_with_length_and_digest() -> None:
    """No half of a secret stays: it is taken out before the cut."""
    short = RedactConfig(policy="redacted", content_max_chars=250)
    text = "x" * 190 + " " + MAIL + " y" * 500
    clean = redacted(short, content=Content(input=text)).content.input
    assert len(clean) <= 250
    assert "jane" not in clean
    assert f"[cut: {len(text)} characters, digest " in clean
    other = redacted(short, content=Content(input=text + "z")).content.input
    assert other[-20:] != clean[-20:]
    assert (
        redacted(RedactConfig(policy="redacted", content_max_chars=0), content=Content(input=text)).content.input == ""
    )


def test_users_become_keyed_pseudonyms() -> None:
    clean = redacted(DROP, user="jane")
    assert clean.user == pseudonym("jane", KEY)
    assert clean.user.startswith("user_")
    assert len(clean.user) == len("user_") + 16
    assert pseudonym("jane", b"other key") != clean.user
    assert pseudonym("joan", KEY) != clean.user
    assert redacted(DROP, user="").user == ""
    assert len(pseudonym("jane", b"k" * 100)) == len(clean.user)


LABELS = (
    *("provider", "request_model", "response_model", "experiment", "arm", "prompt_name"),
    *("prompt_version", "session_id", "trace_state"),
)


@pytest.mark.parametrize("config", [DROP, KEEP], ids=["drop", "redacted"])
@pytest.mark.parametrize("field", LABELS)
def test_short_texts_are_redacted_in_any_mode(field: str, config: RedactConfig) -> None:
    assert getattr(redacted(config, **{field: f"x {MAIL}"}), field) == "x [email]"


def test_every_other_text_of_a_record_is_redacted() -> None:
    """No field of a record can carry an e-mail address out, whatever its place."""
    clean = redacted(
        KEEP,
        service=Service(name=MAIL, instance=MAIL, environment=MAIL, version=MAIL, entity=MAIL, project=MAIL),
        finish_reasons=(MAIL,),
        failure=Failure(MAIL, MAIL),
        image=ImageParams(images=1, quality=MAIL, pipeline=MAIL, scheduler=MAIL, loras=(MAIL,)),
        content=Content(input=MAIL, output=MAIL, system=MAIL, negative_prompt=MAIL),
        attributes={"a": MAIL, "b": (MAIL,), "c": {"d": MAIL}, "e": 4111111111111111, "f": 1.5, "g": True},
        user=MAIL,
        response_id=MAIL,
        **dict.fromkeys(LABELS, MAIL),
    )
    shown = repr(asdict(clean))
    assert "example.com" not in shown
    assert "4111111111111111" not in shown
    assert (clean.attributes["f"], clean.attributes["g"]) == (1.5, True)
    assert clean.service.name == "[email]"


def test_clean_labels_are_passed_through_untouched_and_remembered() -> None:
    redact = Redact(RedactConfig(), KEY, Counter())
    sent = generation(session_id="s1", finish_reasons=("stop",))
    assert redact(sent) is sent
    assert redact(sent) is sent
    assert redact(replace(sent, session_id="x" * 5000)).session_id == "x" * 1024
    for index in range(40_000):
        assert redact(replace(sent, session_id=f"s{index}")).session_id == f"s{index}"


def test_roots() -> None:
    root = TraceRoot(
        trace_id=b"\1" * 16,
        span_id=b"\2" * 8,
        name=f"GET /users/{MAIL}",
        start_ns=1,
        end_ns=2,
        service=Service(name="comic", instance=MAIL),
        failure=Failure("500", MAIL),
        session_id=MAIL,
        user="jane",
        attributes={"comic.id": MAIL},
    )
    clean = Redact(RedactConfig(), KEY, Counter()).root(root)
    assert "example.com" not in repr(asdict(clean))
    assert (clean.name, clean.user) == ("GET /users/[email]", pseudonym("jane", KEY))
    assert clean.failure == Failure("500")


def broken(_: Generation) -> Generation:
    raise RuntimeError("a redactor with a bug")


def test_fails_closed() -> None:
    """R37: no text leaves, the numbers and the service do, and it is counted."""
    drops: Drops = Counter()
    redact = Redact(RedactConfig(policy="redacted"), KEY, drops, more=(broken,))
    sent = generation(
        content=Content(input="hidden"),
        failure=Failure("hidden", "hidden"),
        image=ImageParams(images=2, scheduler="hidden"),
        user="hidden",
        attributes={"a": "hidden"},
        **dict.fromkeys(LABELS, "hidden"),
    )
    clean = redact(sent)
    assert drops == {DropReason.REDACTION_FAILED: 1}
    assert "hidden" not in repr(asdict(clean))
    assert clean.usage == sent.usage
    assert clean.service == sent.service
    assert clean.image == ImageParams(images=2)
    assert clean.failure == Failure("redaction_failed")


def test_root_fails_closed() -> None:
    """A text that cannot be encoded at all: the root's numbers are kept."""
    drops: Drops = Counter()
    redact = Redact(RedactConfig(), KEY, drops)
    root = TraceRoot(
        trace_id=b"\1" * 16,
        span_id=b"\2" * 8,
        name="hidden",
        start_ns=1,
        end_ns=2,
        service=Service(),
        attributes={"a": {"b": object()}},
    )
    clean = redact.root(root)
    assert drops == {DropReason.REDACTION_FAILED: 1}
    assert "hidden" not in repr(asdict(clean))


def test_key_is_checked_before_anything_starts() -> None:
    with pytest.raises(ValueError, match="key"):
        Redact(RedactConfig(), b"", Counter())


@pytest.mark.parametrize("policy", ["counts-only", "redacted", "full"])
def test_canaries_find_a_hole(policy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """P6: a policy that lets a fake secret through does not start; here because a pattern finds nothing any more."""
    monkeypatch.setattr(checks, "_CARDS", ())
    monkeypatch.setattr(Scrubber, "_prove", lambda _: None)
    with pytest.raises(ConfigError, match="a fake card came through"):
        Redact(RedactConfig(policy=policy, acknowledge_full=True), KEY, Counter())


def slow(generation: Generation) -> Generation:
    """R37: time is bounded by the size of texts, which nothing enlarges; a limit that is hit raises."""
    return replace(generation, content=Content(input="%41 " * 200_000))


def test_too_much_work_fails_closed() -> None:
    drops: Drops = Counter()
    redact = Redact(KEEP, KEY, drops, more=(slow,))
    clean = redact(generation(content=Content(input="hidden"), session_id="hidden"))
    assert drops == {DropReason.REDACTION_FAILED: 1}
    assert clean.content is NO_CONTENT
    assert "hidden" not in repr(clean)
    assert clean.usage == Usage(input_tokens=5)
