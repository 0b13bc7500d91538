"""Unique secrets in every place of traces, logs and uploads, through a line with all that may happen to a call (P6)."""

import logging
from hashlib import sha256
from typing import Any

import pytest
from tests.support.canaries import (
    CONTENT,
    TRACE_ID,
    Canaries,
    late_request,
    leaks,
    log_events,
    metrics_request,
    request,
)
from tests.support.records import SECOND_NS

from spanwand.batch import Batch
from spanwand.config import LineConfig
from spanwand.media import Media
from spanwand.pipeline import Pipeline
from spanwand.tables import FEEDBACK, GENERATIONS, REQUESTS, columns
from spanwand.uploads import Upload, pack

IMAGE = Media(sha256(b"").hexdigest(), "image/png", 1, 1, 1, b"jpeg")
EVERYTHING = {
    "redact": {"policy": "redacted"},
    "sample": {"ratio": 0.5, "limit_by": "user"},
    "media": {"images": "thumbnails"},
    "gather": {"request_attributes": ["user.email", "quokka"]},
    "tables": {"trace_url": "https://traces.example/{trace_id}"},
}


def through_a_line(canaries: Canaries, **config: Any) -> list[Batch]:
    """Everything that can be joined, in both orders, sent again, amended, sampled and handed over twice."""
    line = Pipeline(LineConfig.model_validate(EVERYTHING | config), b"key")
    uploaded = pack(Upload(TRACE_ID, (2).to_bytes(8), IMAGE))
    traces, late, logs, metrics = (make(canaries) for make in (request, late_request, log_events, metrics_request))
    frames = ((1, line.logs, logs), (2, line.traces, traces), (3, line.media, uploaded), (4, line.logs, logs))
    again = (
        (5, line.traces, traces),
        (6, line.metrics, metrics),
        (29, line.logs, logs),
        (30, line.traces, late),
        (75, line.traces, late),
    )
    batches = []
    for start, (at_s, take, body) in enumerate((*frames, *again)):
        batches += [line.tick(start, start, at_s * SECOND_NS), take(start, start + 1, at_s * SECOND_NS, body)]
    batches += [line.tick(8, 8, 140 * SECOND_NS), line.drain(8, 9, 150 * SECOND_NS)]
    return [batch for batch in batches if batch]


def shown(batches: list[Batch], table: str) -> list[tuple[object, ...]]:
    return [row for batch in batches for update in batch.updates for row in update.rows.get(table, ())]


def test_nothing_that_a_pattern_finds_leaves_a_line(caplog: pytest.LogCaptureFixture) -> None:
    """The words around it do, of what was said: so it is known that the place was reached."""
    canaries = Canaries()
    with caplog.at_level(logging.DEBUG):
        batches = through_a_line(canaries)
    seen = {"batches": repr(batches).encode(), "log": caplog.text.encode()}
    assert leaks(canaries.only_patterned(), seen) == []
    reached = {place for place, _, _ in leaks(canaries.all(), seen)}
    assert reached >= {"diffusion.prompt", "gen_ai.user.message body", "explanation", "DCGM_FI_DEV_GPU_UTIL gpu"}
    assert not reached & {"url.full", "late url.full", "user.id", "event message", "status message"}
    assert set(CONTENT) & reached
    revision = [column.name for column in columns(REQUESTS)].index("revision")
    assert {row[revision] for row in shown(batches, REQUESTS)} == {1, 2}
    assert IMAGE in [cell for row in shown(batches, GENERATIONS) for cell in row]
    assert shown(batches, FEEDBACK)


def test_nothing_at_all_leaves_of_what_is_said_by_default() -> None:
    canaries = Canaries()
    batches = through_a_line(canaries, redact={"policy": "counts-only"})
    seen = {"batches": repr(batches).encode()}
    assert shown(batches, GENERATIONS)
    assert leaks(canaries.only_patterned(), seen) == []
    assert not {place for place, _, _ in leaks(canaries.all(), seen)} & {*CONTENT, "status message", "explanation"}
