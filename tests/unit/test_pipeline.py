"""P1, P2, P7: frames in, batches out, each at its time."""

from itertools import count
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span
from tests.support.records import SECOND_NS

from spanwand.batch import Batch, RunKey, RunUpdate
from spanwand.config import AggregateConfig, LineConfig
from spanwand.errors import ConfigError
from spanwand.pipeline import Pipeline
from spanwand.tables import TABLES

KEY = b"k" * 32
STUDIO_RUN = RunKey(group="studio@default", job_type="studio", name="studio")
HEALTH_RUN = RunKey(group="spanwand", job_type="spanwand", name="spanwand")


numbers = count(1)


def otlp(*names: str, trace: int = 1) -> bytes:
    """A request of a service `studio`; a span named `chat` calls a model, and one named `root` is the root.

    No two spans have the same id.
    """
    spans = []
    for name in names:
        sent: dict[str, str | int] = {}
        if name == "chat":
            sent = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 10}
        attributes = [
            KeyValue(key=key, value=AnyValue(string_value=v) if isinstance(v, str) else AnyValue(int_value=v))
            for key, v in sent.items()
        ]
        spans.append(
            Span(
                trace_id=trace.to_bytes(16, "big"),
                span_id=next(numbers).to_bytes(8, "big"),
                parent_span_id=b"" if name == "root" else b"\xff" * 8,
                name=name,
                start_time_unix_nano=SECOND_NS,
                end_time_unix_nano=3 * SECOND_NS,
                attributes=attributes,
            )
        )
    resource = Resource(attributes=[KeyValue(key="service.name", value=AnyValue(string_value="studio"))])
    scope_spans = [ScopeSpans(spans=spans)]
    return ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(resource=resource, scope_spans=scope_spans)]
    ).SerializeToString()


def evaluation(trace: int) -> bytes:
    """A request with an event that judges a trace."""
    sent = ExportLogsServiceRequest()
    record = sent.resource_logs.add().scope_logs.add().log_records.add(event_name="gen_ai.evaluation.result")
    record.trace_id, record.span_id = trace.to_bytes(16, "big"), bytes(7) + b"\1"
    record.attributes.add(key="gen_ai.evaluation.name").value.string_value = "fit"
    record.attributes.add(key="gen_ai.evaluation.score.value").value.double_value = 0.5
    return sent.SerializeToString()


class Journal:
    """Feeds a pipeline with frames of ten bytes each."""

    def __init__(self, **config: Any) -> None:
        limits = AggregateConfig(window_s=10, rows_interval_s=30)
        self.line = Pipeline(LineConfig(aggregate=limits, **config), KEY)
        self.position = 0

    def _frame(self, at_s: float) -> tuple[int, int, int]:
        self.position += 10
        return self.position - 10, self.position, int(at_s * SECOND_NS)

    def traces(self, at_s: float, body: bytes) -> Batch | None:
        return self.line.traces(*self._frame(at_s), body)

    def logs(self, at_s: float, body: bytes) -> Batch | None:
        return self.line.logs(*self._frame(at_s), body)

    def tick(self, at_s: float) -> Batch | None:
        return self.line.tick(*self._frame(at_s))

    def drain(self, at_s: float) -> Batch | None:
        return self.line.drain(*self._frame(at_s))


def updates(batch: Batch | None) -> dict[RunKey, RunUpdate]:
    assert batch is not None
    return {update.run: update for update in batch.updates}


def test_a_window_comes_out_with_the_first_frame_behind_it() -> None:
    journal = Journal()
    assert journal.traces(101, otlp("chat", "root", "http")) is None
    assert journal.tick(109.9) is None
    batch = journal.tick(110)
    assert batch is not None
    assert (batch.start_ns, batch.end_ns) == (100 * SECOND_NS, 110 * SECOND_NS)
    assert (batch.seq, batch.low) == (20, 0)
    points = updates(batch)[STUDIO_RUN].points
    assert (points["llm/requests"], points["llm/input_tokens"], points["request/count"]) == (1, 10, 1)
    assert updates(batch)[HEALTH_RUN].points["spanwand/spans_received"] == 3


def test_an_empty_window_makes_no_batch() -> None:
    journal = Journal()
    assert [journal.tick(second) for second in range(0, 100, 7)] == [None] * 15
    assert not journal.line.waiting


def test_rows_come_with_the_first_window_that_ends_at_or_behind_their_interval() -> None:
    journal = Journal(gather={"hold_s": 0})
    journal.traces(91, otlp("chat", trace=1))
    journal.tick(92)
    first = journal.traces(101, otlp("chat", trace=2))
    journal.tick(102)
    second = journal.traces(112, otlp("chat", trace=3))
    journal.tick(113)
    third = journal.tick(120)
    counts = [len(updates(batch)[STUDIO_RUN].rows.get("generations", ())) for batch in (first, second, third)]
    assert counts == [0, 0, 3]


def test_rows_come_although_their_window_is_long_past() -> None:
    journal = Journal(gather={"hold_s": 0})
    journal.traces(91, otlp("chat"))
    journal.tick(92)
    assert len(updates(journal.tick(500))[STUDIO_RUN].rows["generations"]) == 1


def test_a_request_waits_for_its_root_over_windows() -> None:
    journal = Journal()
    journal.traces(109, otlp("chat"))
    assert STUDIO_RUN not in updates(journal.traces(111, otlp("root")))
    assert journal.tick(113.5) is None
    points = updates(journal.tick(120))[STUDIO_RUN].points
    assert (points["llm/requests"], points["request/count"]) == (1, 1)


def test_a_call_of_a_trace_that_goes_on_waits_no_longer_than_configured() -> None:
    """P5: it is late in the metrics by `hold_s`, not by as much as the trace is long."""
    journal = Journal(gather={"hold_s": 5})
    journal.traces(101, otlp("chat"))
    journal.traces(104, otlp("http"))
    journal.tick(107)
    points = updates(journal.tick(110))[STUDIO_RUN].points
    assert points["llm/requests"] == 1
    assert "request/count" not in points


def test_drain_brings_out_everything_and_starts_afresh() -> None:
    """R10."""
    journal = Journal()
    journal.traces(101, otlp("chat"))
    batch = journal.drain(102)
    assert batch is not None
    assert batch.seq == journal.position
    assert batch.low == journal.line.low == 0  # what may come again is remembered across a restart
    studio = updates(batch)[STUDIO_RUN]
    assert studio.points["request/count"] == 1
    assert {table: len(rows) for table, rows in studio.rows.items()} == {"generations": 1, "requests": 1}
    assert not journal.line.waiting
    assert journal.drain(103) is None


def test_waiting_ends_once_nothing_is_needed_any_more() -> None:
    """K2: an idle line asks for no ticks; repeats do not come for long, and then it lets go of the journal."""
    journal = Journal()
    journal.traces(100, otlp("chat", "root"))
    second = 100
    while journal.line.waiting:
        second += 1
        journal.tick(second)
    assert 160 <= second <= 210
    assert journal.line.low == 0
    journal.tick(second + 310)
    assert journal.line.low == 0  # what a replay would take for new would come out now
    journal.tick(second + 620)
    assert journal.line.low == journal.position


@pytest.mark.parametrize(("judged", "kept"), [(1, ["rated"]), (2, [])])
def test_what_was_judged_is_kept(judged: int, kept: list[str]) -> None:
    """P7: an evaluation that comes before the trace has left, also before its calls."""
    journal = Journal(sample={"ratio": 1e-9, "rare": 0})
    journal.logs(100, evaluation(judged))
    journal.traces(101, otlp("chat", "root"))
    rows = updates(journal.drain(103))[STUDIO_RUN].rows.get("generations", ())
    reason = [column.name for column in TABLES["generations"]].index("sample_reason")
    assert [row[reason] for row in rows] == kept


def test_what_cannot_be_read_is_counted_in_its_window() -> None:
    journal = Journal()
    assert journal.traces(100, b"\xff\xff\xff") is None
    assert updates(journal.tick(110))[HEALTH_RUN].points["spanwand/dropped/undecodable"] == 1


def test_a_configuration_that_cannot_work_is_refused_at_once() -> None:
    with pytest.raises(ConfigError):
        Journal(gather={"request_attributes": ["service"]})
