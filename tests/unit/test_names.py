"""Names and places out of rows (P6, issue 5 item 1): what is looked through, and failing closed."""

import json
from collections import Counter
from collections.abc import Sequence
from itertools import count
from typing import Any

import pytest
from pydantic import ValidationError
from tests.support import name_engine
from tests.support.records import KEPT, call, held

from spanwand.batch import Batch, RunKey, RunUpdate
from spanwand.drops import DropReason
from spanwand.errors import ConfigError
from spanwand.events import CleanEvaluation
from spanwand.in_process_config import read_setup
from spanwand.record import Service
from spanwand.redact_config import PresidioConfig, RedactConfig
from spanwand.rows import makers
from spanwand.runs import HEALTH_RUN
from spanwand.summary import Summary
from spanwand.tables import FEEDBACK, GENERATIONS, columns, layout
from spanwand_sidecar.names.engine import check
from spanwand_sidecar.names.rows import CleanRows, Find
from spanwand_sidecar.names.texts import Found, edited, without

ATTRIBUTES = ("comic.title",)
COLUMNS = [column.name for column in columns(GENERATIONS, ATTRIBUTES)]
RUN = RunKey(group="g", job_type="j", name="n")
CONFIG = PresidioConfig(model="m", timeout_s=60, budget_s=120)


def find(texts: Sequence[str], _: float) -> list[Sequence[Found]]:
    return [name_engine.look(text) for text in texts]


def row(said: str = "", answer: str = "", **fields: Any) -> tuple[object, ...]:
    texts = {name: text for name, text in (("input", said), ("output", answer)) if text}
    return makers(ATTRIBUTES)[GENERATIONS](call(held_content=held(**texts), **fields), KEPT)


def batch(*rows: tuple[object, ...], seq: int = 1, **tables: tuple[tuple[object, ...], ...]) -> Batch:
    update = RunUpdate(run=RUN, config={}, points={"llm/requests": len(rows)}, rows={GENERATIONS: rows, **tables})
    return Batch(seq=seq, low=0, start_ns=0, end_ns=10, updates=(update,))


def clean_rows(found: Find = find, config: PresidioConfig = CONFIG) -> CleanRows:
    return CleanRows(found, layout(ATTRIBUTES, 0), config)


def cells(clean: Batch) -> list[dict[str, object]]:
    return [dict(zip(COLUMNS, each, strict=True)) for each in clean.updates[0].rows[GENERATIONS]]


def points(clean: Batch) -> dict[str, float]:
    return next((dict(update.points) for update in clean.updates if update.run == HEALTH_RUN.key), {})


def test_every_column_that_may_hold_what_was_said() -> None:
    """P6: prompts, answers, reasons of a judge and configured attributes; a batch without any stays the same object."""
    judged = CleanEvaluation(
        trace_id=b"", span_id=b"", time_ns=1, service=Service(), name="n", explanation="Jane Doe is kind"
    )
    feedback = makers()[FEEDBACK](judged, KEPT)
    attributes = {"comic.title": "Jane Doe in Berlin"}
    before = batch(row("I am Jane Doe", "Hello Jane Doe of Berlin", attributes=attributes), feedback=(feedback,))
    clean = clean_rows()(before)
    (shown,) = cells(clean)
    assert shown["input"] == "I am [person]"
    assert shown["output"] == "Hello [person] of [location]"
    assert shown["comic.title"] == "[person] in [location]"
    assert "[person] is kind" in clean.updates[0].rows[FEEDBACK][0]
    assert "Jane" not in repr(clean)
    empty = batch()
    assert clean_rows()(Batch(seq=1, low=0, start_ns=0, end_ns=1, updates=())).updates == ()
    assert points(clean_rows()(empty)) == {}


def test_json_stays_json() -> None:
    """Each string by itself, and so are names and JSON in JSON; what was found before is not looked for again."""
    asked: list[str] = []

    def noting(texts: Sequence[str], timeout_s: float) -> list[Sequence[Found]]:
        asked.extend(texts)
        return find(texts, timeout_s)

    arguments = json.dumps({"to": "Jane Doe"})
    messages = [{"role": "user", "content": "Jane Doe: é"}, {"role": "tool", "arguments": arguments, "Jane Doe": 7}]
    clean = clean_rows(noting)(batch(row(json.dumps(messages)), row(json.dumps(messages))))
    for shown in cells(clean):
        said, tool = json.loads(str(shown["input"]))
        assert said == {"role": "user", "content": "[person]: é"}
        assert json.loads(tool["arguments"]) == {"to": "[person]"}
        assert tool["[person]"] == 7
    assert asked.count("role") == 1
    assert points(clean) == {"spanwand/redacted/person": 6}


def test_finds_that_overlap_are_one_and_finds_outside_are_refused() -> None:
    counts: Counter[str] = Counter()
    assert without("Jane Doe Street 5", [(5, 15, "LOCATION"), (0, 8, "PERSON")], counts) == "[person] 5"
    for nonsense in [(-1, 3, "PERSON"), (3, 3, "PERSON"), (0, 18, "PERSON"), (0, 1, "x]\n")]:
        with pytest.raises(ValueError, match="outside"):
            without("Jane Doe Street 5", [nonsense], counts)
    assert edited("[1, 2", str.upper) == "[1, 2"


@pytest.mark.parametrize(
    "fails",
    [
        lambda texts, _: [],
        lambda texts, _: [[(0, 10**6, "PERSON")] for _ in texts],
        lambda texts, _: [[(0, "1", None)] for _ in texts],
        lambda texts, _: 1 / 0,
        lambda texts, _: None,
    ],
)
def test_it_fails_closed(fails: Any, caplog: pytest.LogCaptureFixture) -> None:
    """P6: the row's texts are gone, its numbers stay, it is counted in the batch, and no log line quotes it."""
    clean_one = clean_rows(fails)
    clean = clean_one(batch(row("I am Jane Doe", latency_s=2.0), row()))
    withheld, silent = cells(clean)
    assert (withheld["input"], withheld["latency_s"]) == ("[removed]", 2.0)
    assert silent["input"] is None
    assert points(clean) == {"spanwand/dropped/redaction_failed": 1}
    assert clean_one.drops == {DropReason.REDACTION_FAILED: 1}
    assert "without its texts" in caplog.text
    assert "Jane" not in repr(clean) + caplog.text


def test_a_batch_takes_no_longer_than_its_budget() -> None:
    """P6: rows over it lose their texts, so that the line does not fall behind for want of a fast engine."""
    seconds = count()
    config = PresidioConfig(model="m", budget_s=3)
    slow = CleanRows(find, layout(ATTRIBUTES, 0), config, clock=lambda: float(next(seconds)))
    clean = slow(batch(*(row(f"Jane Doe {n}") for n in range(5))))
    assert [shown["input"] for shown in cells(clean)] == ["[person] 0", "[person] 1", *["[removed]"] * 3]
    assert points(clean) == {"spanwand/redacted/person": 2, "spanwand/dropped/redaction_failed": 3}


def test_counts_join_those_of_the_line() -> None:
    """The audit: `redaction` in the summary counts names beside patterns."""
    health = RunUpdate(
        run=HEALTH_RUN.key, config={}, points={"spanwand/redacted/email": 2, "spanwand/redacted/person": 1}, rows={}
    )
    before = batch(row("Jane Doe, John Smith"))
    clean = clean_rows()(Batch(seq=1, low=0, start_ns=0, end_ns=1, updates=(health, *before.updates)))
    assert points(clean) == {"spanwand/redacted/email": 2, "spanwand/redacted/person": 3}
    assert Summary().add(points(clean))["redaction"] == {"email": 2, "person": 3}


def test_config() -> None:
    """Off by default; refused where it would do nothing, or cannot be done."""
    assert not RedactConfig().presidio.model
    with pytest.raises(ValidationError, match="policy counts-only removes that"):
        RedactConfig.model_validate({"presidio": {"model": "m"}})
    with pytest.raises(ConfigError, match="presidio-analyzer is not installed"):
        check(CONFIG)
    settings = {"REDACT__POLICY": "redacted", "REDACT__PRESIDIO__MODEL": "m", "SINKS": "jsonl"}
    with pytest.raises(ConfigError, match="not inside an app"):
        read_setup({f"SPANWAND_{name}": value for name, value in settings.items()})
