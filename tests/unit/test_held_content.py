"""P6: what was said is held behind `redact`: nothing shows it, and what comes out was cleaned (docs/adr/0027)."""

import copy
import json
import logging
import pickle
from typing import Any

import msgspec
import pytest
from msgspec.structs import asdict, replace
from tests.support.records import KEPT, call, held

from spanwand.config import RedactConfig
from spanwand.content import NO_CONTENT, Content, HeldContent, HeldText
from spanwand.drops import DropReason, Drops
from spanwand.record import Clean, Failure, Generation
from spanwand.redact import Redact, opened
from spanwand.rows import generation_row
from spanwand.tables import GENERATIONS, TABLES

MAIL = "jane@example.com"
SAID = Content(
    input=f"write {MAIL}", output=json.dumps([{"content": MAIL}]), system=f"be {MAIL}", input_ref=f"s3://a/{MAIL}"
)
PLACES = {column.name: number for number, column in enumerate(TABLES[GENERATIONS])}


def redact(drops: Drops | None = None, **config: Any) -> Redact:
    config = {"policy": "redacted", "acknowledge_full": True, **config}
    return Redact(RedactConfig.model_validate(config), b"key", Drops() if drops is None else drops)


def cells(call: Clean) -> tuple[object, object]:
    row = generation_row(call, KEPT)
    return row[PLACES["input"]], row[PLACES["output"]]


def held_by(clean: Clean) -> HeldContent:
    assert clean.held_content is not None
    return clean.held_content


@pytest.mark.parametrize("policy", ["redacted", "full"])
def test_nothing_shows_what_is_held(policy: str) -> None:
    """No log, debugger, encoder or copy finds a text in a record, also of those that may leave as they are."""
    clean = redact(policy=policy)(call(content=SAID))
    assert clean.content is NO_CONTENT
    said = held_by(clean)
    assert repr(said) == str(said) == f"{said}" == f"<content, {sum(map(len, asdict(SAID).values()))} characters>"
    shown = (repr(clean), str(asdict(clean)), msgspec.json.encode(clean, enc_hook=repr).decode())
    assert all(MAIL not in text and "write jane" not in text for text in shown)
    for encode in (msgspec.json.encode, msgspec.msgpack.encode, msgspec.to_builtins, json.dumps, pickle.dumps):
        for item in (said, clean):
            with pytest.raises(TypeError):
                encode(item)
    for duplicate in (copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            duplicate(said)
    public = [getattr(said, name) for name in dir(said) if not name.startswith("_")]
    assert [value for value in public if not callable(value)] == [said.chars]


def test_what_is_opened_was_cleaned() -> None:
    clean = redact()(call(content=SAID))
    assert held_by(clean).opened() == Content(
        input="write [email]", output='[{"content":"[email]"}]', system="be [email]", input_ref="s3://a/[email]"
    )
    assert held_by(clean).opened(("output",)) == Content(output='[{"content":"[email]"}]')
    assert cells(clean) == ("write [email]", '[{"content":"[email]"}]')
    assert opened(clean).content == held_by(clean).opened()
    assert opened(clean).held_content is None


def test_by_default_nothing_is_held() -> None:
    clean = redact(policy="counts-only")(call(content=SAID, failure=Failure("x", MAIL)))
    assert (clean.content, clean.held_content, clean.failure) == (NO_CONTENT, None, Failure("x"))
    assert cells(clean) == (None, None)


def test_patterns_count_what_leaves() -> None:
    """P7: what is sampled away was not looked at."""
    line = redact()
    clean = line(call(content=SAID))
    assert not line.counts
    cells(clean)
    assert line.counts == {"email": 2}


@pytest.mark.parametrize("name", ["input", "output"])
def test_opening_fails_closed(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """R37: a text that is too much work, and all that was said with it; the rest of the row and its numbers stay."""
    drops = Drops()
    line = redact(drops, content_max_chars=1_000_000)
    said = replace(Content(input="hidden", output="hidden"), **{name: "hidden" + "%41 " * 200_000})
    with caplog.at_level(logging.DEBUG):
        first, second = line(call(content=said)), line(call(content=said))
        assert not drops
        assert (cells(first), cells(second)) == ((None, None), (None, None))
    assert drops == {DropReason.REDACTION_FAILED: 2}
    assert generation_row(first, KEPT)[PLACES["model"]] == "m"
    (record,) = caplog.records
    assert "TooManyMarks" in record.getMessage()
    assert "hidden" not in caplog.text


def test_a_text_that_will_be_cut_is_cleaned_at_once() -> None:
    """R22: what waits is no longer than what leaves."""
    line = redact(content_max_chars=100)
    clean = line(call(content=Content(input=f"{MAIL} " * 10 + "x" * 100, output=f"{MAIL} x")))
    assert held_by(clean).chars == 100 + len(f"{MAIL} x")
    assert line.counts == {"email": 10}
    assert cells(clean)[1] == "[email] x"
    assert MAIL not in str(cells(clean))
    assert redact(content_max_chars=0)(call(content=SAID)).held_content is None


def test_a_redactor_of_ones_own_sees_what_was_said() -> None:
    """At once; what it leaves is cleaned when it leaves."""

    def shout(generation: Generation) -> Generation:
        return replace(generation, content=Content(input=generation.content.input.upper()))

    line = Redact(RedactConfig(policy="redacted"), b"key", Drops(), more=(shout,))
    assert cells(line(call(content=SAID))) == ("WRITE [email]", None)


def test_lines_are_added_until_no_cell_shows_more() -> None:
    """R20, R22: as events come one by one; what there is no room for is told of, what is sent again is nothing new."""
    said = held(input="a", system="s")
    lost = [said.add(held(input=text, output=text[:1])) for text in ("b", "a", "b", "c" * 20_000, "d", "c" * 20_000)]
    assert said.opened() == Content(input="a\nb\n" + "c" * 20_000, output="b\na\nc\nd", system="s")
    assert lost == [0, 0, 0, 0, 1, 0]
    assert said.chars == 20_000 + len("ab" + "bacd" + "s")


def test_lines_that_are_the_same_once_they_are_clean_are_one() -> None:
    said = HeldContent((HeldText("input", "1", lambda _: "x"),), print)
    for text in "23":
        said.add(HeldContent((HeldText("input", text, lambda _: "x"), HeldText("output", text, lambda _: "")), print))
    assert said.opened() == Content(input="x")


class Counted(str):
    """Counts how often it is looked at."""

    __slots__ = ()
    looks = 0

    def __hash__(self) -> int:
        Counted.looks += 1
        return super().__hash__()

    def __eq__(self, other: object) -> bool:
        Counted.looks += 1
        return super().__eq__(other)

    def __len__(self) -> int:
        Counted.looks += 1
        return super().__len__()


@pytest.mark.parametrize("number", [10, 100, 1_000, 10_000, 40_000])
def test_a_line_takes_as_many_steps_however_many_there_are(number: int) -> None:
    """R22: 10,000 tiny events on one call took seconds."""
    Counted.looks = 0
    said, *others = (HeldContent((HeldText("input", Counted(at), Counted),), print) for at in range(number))
    lost = sum(map(said.add, others))
    assert len(said.opened().input.splitlines()) + lost == number
    assert (lost > 0) == (number > 5_000)
    assert Counted.looks <= 12 * number


def test_a_call_keeps_its_own_text() -> None:
    """P3: field by field; a text that a rule of one's own took out is gone, whoever says it too."""
    said = held(input="from the span")
    assert said.filled(held(input="from an event")) is said
    filled = said.filled(held(input="from an event", output="from it too"))
    assert filled.opened() == Content(input="from the span", output="from it too")
