"""R36, P7: what is cleaned in a window has an end, and metrics have none (docs/adr/0036)."""

from typing import Any

import pytest
from tests.support.records import KEPT, SECOND_NS, call, trace_id

from spanwand.config import LineConfig, RedactConfig
from spanwand.content import Content
from spanwand.drops import DropReason, Drops
from spanwand.pipeline import Pipeline
from spanwand.record import Failure
from spanwand.redact import Redact
from spanwand.rows import generation_row
from spanwand.span import Span, SpanResource
from spanwand.tables import GENERATIONS, TABLES

LONG = "what was said " * 10
REMOVED = f"[removed unread: {len(LONG)} characters]"
INPUT = next(n for n, column in enumerate(TABLES[GENERATIONS]) if column.name == "input")


def redact(drops: Drops, policy: str = "redacted", **config: Any) -> Redact:
    values = {"policy": policy, "acknowledge_full": True, "content_max_chars": 100, "window_max_chars": 300, **config}
    return Redact(RedactConfig.model_validate(values), b"key", drops)


def said(line: Redact, text: str = LONG) -> object:
    return generation_row(line(call(content=Content(input=text))), KEPT)[INPUT]


def test_from_a_windows_last_characters_to_its_end_texts_are_removed_unread() -> None:
    drops = Drops()
    line = redact(drops)
    line.open_window()
    cut = [said(line) for _ in range(2)]
    assert all(str(text).startswith("what was said") for text in cut)
    assert said(line) == REMOVED
    assert said(line, LONG[:120]) == "[removed unread: 120 characters]"  # also one that is shorter than what was left
    assert drops == {DropReason.CONTENT_HURRIED: 2}
    line.open_window()
    assert [said(line), said(line)] == cut
    assert drops == {DropReason.CONTENT_HURRIED: 2}


def test_a_text_that_waits_for_its_row_is_none_of_them() -> None:
    drops = Drops()
    line = redact(drops, window_max_chars=0)
    line.open_window()
    assert said(line, "short jane@example.com") == "short [email]"
    assert not drops


def test_a_failures_message_is_one_of_them_and_its_type_stays() -> None:
    drops = Drops()
    line = redact(drops, window_max_chars=0)
    line.open_window()
    assert line(call(failure=Failure("RateLimit", "said"))).failure == Failure(
        "RateLimit", "[removed unread: 4 characters]"
    )
    assert drops == {DropReason.CONTENT_HURRIED: 1}


@pytest.mark.parametrize("policy", ["counts-only", "full"])
def test_who_reads_no_text_has_time_for_all(policy: str) -> None:
    drops, outside = Drops(), redact(Drops(), policy)
    line = redact(drops, policy, window_max_chars=0)
    line.open_window()
    assert said(line) == said(outside)
    failed = call(failure=Failure("RateLimit", LONG))
    assert line(failed).failure == outside(failed).failure
    assert not drops


def test_outside_of_windows_there_is_no_end() -> None:
    """`spanwand redact` and `explain` show what each call would be, however many there are."""
    drops = Drops()
    line = redact(drops, window_max_chars=0)
    assert str(said(line)).startswith("what was said")
    assert not drops


def test_metrics_and_rows_are_kept_and_the_next_window_begins_again() -> None:
    config = {"policy": "redacted", "content_max_chars": 100, "window_max_chars": 150}
    line = Pipeline(LineConfig(redact=RedactConfig.model_validate(config)), b"k" * 32)

    def feed(position: int, arrival_s: int, *traces: int) -> None:
        spans = [
            Span(
                trace_id=trace_id(n),
                span_id=bytes([n]) * 8,
                parent_span_id=b"p" * 8,
                end_ns=SECOND_NS,
                attributes={"gen_ai.operation.name": "chat", "gen_ai.input.messages": LONG},
                resource=SpanResource(attributes={"service.name": "studio"}),
            )
            for n in traces
        ]
        batches.append(line.spans(position, position + 1, arrival_s * SECOND_NS, spans, len(spans)))

    batches: list[Any] = []
    feed(0, 60, 1, 2, 3)
    feed(1, 70, 4, 5)
    batches.append(line.drain(2, 3, 80 * SECOND_NS))
    updates = [update for batch in batches if batch for update in batch.updates]
    rows = [row for update in updates for row in update.rows.get(GENERATIONS, ())]
    texts = [str(row[INPUT]).split(" [cut")[0][:13] for row in rows]
    assert texts == ["what was said", "[removed unre", "[removed unre", "what was said", "[removed unre"]
    assert sum(update.points.get("llm/requests", 0) for update in updates) == 5
    assert sum(update.points.get("spanwand/dropped/content_hurried", 0) for update in updates) == 3
