"""Log events of the stock SDK, old and new: what they add to a model call (P3, A3, A4)."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context
from tests.support.records import KEPT, held

from spanwand.config import RedactConfig
from spanwand.decode_logs import DecodeLogs
from spanwand.drops import DropReason, Drops
from spanwand.events import Evaluation
from spanwand.metrics import metric_of
from spanwand.record import Clean, Failure, Generation, Service
from spanwand.redact import Redact, opened
from spanwand.rows import feedback_row
from spanwand.scores import Scores
from spanwand.supplement import Supplement
from spanwand.tables import FEEDBACK, TABLES
from spanwand.traces.join import add_said, filled
from spanwand.traces.trace import Trace

TRACE_ID, SPAN_ID = 0xA1, 0xB2
SERVICE = Service(name="chat")
REDACT = Redact(RedactConfig(policy="full", acknowledge_full=True), bytes(32), Drops())
Sent = Callable[..., bytes]


def sent(event_name: str, attributes: Mapping[str, Any] = {}, *, body: Any = None, span: bool = True) -> bytes:
    """One event as the stock SDK sends it."""
    exporter = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # of the SDK
    provider = LoggerProvider(Resource({"service.name": "chat"}), shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    context = SpanContext(TRACE_ID, SPAN_ID, is_remote=False, trace_flags=TraceFlags(1))
    record = LogRecord(
        timestamp=1_790_000_000_000_000_000,
        context=set_span_in_context(NonRecordingSpan(context)) if span else None,
        event_name=event_name,
        body=body,
        attributes=attributes,
    )
    provider.get_logger("test").emit(record)
    return encode_logs(exporter.get_finished_logs()).SerializeToString()


def read(*bodies: bytes) -> list[Generation | Evaluation]:
    supplement = Supplement(lambda _: SERVICE)
    decode = DecodeLogs(supplement.parsers, Drops())
    events = [event for body in bodies for event in decode(body)[0]]
    return [found for event in events if (found := supplement(event))]


def added(*bodies: bytes) -> Clean:
    trace = Trace(trace_id=b"", position=0, last_ns=0, begun_ns=0, begun_spans=0, begun_bytes=0)
    for found in read(*bodies):
        if isinstance(found, Generation):
            assert add_said(trace, REDACT(found)) == 0
    (said,) = (trace.said or {}).values()
    return said


def call(**fields: Any) -> Clean:
    return replace_in(added(sent("gen_ai.user.message", body="hi")), fields)


def replace_in(record: Clean, fields: Mapping[str, Any]) -> Clean:
    known = {name: getattr(record, name) for name in record.__struct_fields__}
    return Clean(**{**known, "held_content": None, **fields})


MESSAGES = [{"role": "user", "parts": [{"type": "text", "content": "The fox"}]}]


def test_details_carry_structured_messages() -> None:
    """P3: the newest road of content: attributes of the event, as structures."""
    body = sent(
        "gen_ai.client.inference.operation.details",
        {"gen_ai.input.messages": MESSAGES, "gen_ai.output.messages": "[]", "gen_ai.system_instructions": [{"a": 1}]},
    )
    said = opened(added(body)).content
    assert json.loads(said.input) == MESSAGES
    assert (said.output, json.loads(said.system)) == ("[]", [{"a": 1}])


def test_messages_one_by_one_are_lines() -> None:
    """P3: the deprecated events, one per message; one that is sent again is no other (R20)."""
    system = sent("gen_ai.system.message", body={"content": "You draw."})
    user = sent("gen_ai.user.message", body={"content": "A fox"})
    choice = sent("gen_ai.choice", body={"index": 0, "finish_reason": "stop", "message": {"content": "Here"}})
    said = opened(added(system, user, choice, user)).content
    assert [json.loads(line) for line in said.input.splitlines()] == [
        {"role": "system", "content": "You draw."},
        {"role": "user", "content": "A fox"},
    ]
    assert json.loads(said.output)["message"] == {"content": "Here"}


def test_a_call_keeps_what_it_says_itself() -> None:
    """P3: field by field, never both."""
    events = added(
        sent("gen_ai.user.message", body="from the log"),
        sent("gen_ai.choice", body="answered"),
        sent("exception", {"exception.type": "TimeoutError", "exception.message": "too slow"}),
    )
    found = filled(call(held_content=held(input="from the span"), failure=Failure("error")), events)
    said = opened(found).content
    assert said.input == "from the span"
    assert json.loads(said.output)["content"] == "answered"
    assert found.failure == Failure("TimeoutError", "too slow")
    assert filled(call(), events).failure is None, "a handled exception is no failed call"


def test_a_flag_is_about_the_whole_trace() -> None:
    """A4: experiment and arm from `feature_flag.evaluation`."""
    flag = {"feature_flag.key": "prompt", "feature_flag.result.variant": "short"}
    events = added(sent("feature_flag.evaluation", flag))
    found = filled(call(), events)
    assert (found.experiment, found.arm) == ("prompt", "short")
    assert filled(call(experiment="other", arm="x"), events).arm == "x"


def test_an_evaluation_has_a_score_a_label_and_a_reason() -> None:
    """A3: `gen_ai.evaluation.result`."""
    (found,) = read(
        sent(
            "gen_ai.evaluation.result",
            {
                "gen_ai.evaluation.name": "relevance",
                "gen_ai.evaluation.score.value": 0.9,
                "gen_ai.evaluation.score.label": "pass",
                "gen_ai.evaluation.explanation": "on topic",
            },
        )
    )
    assert isinstance(found, Evaluation)
    assert (found.name, found.score, found.label, found.explanation) == ("relevance", 0.9, "pass", "on topic")
    assert (found.trace_id, found.span_id) == (TRACE_ID.to_bytes(16), SPAN_ID.to_bytes(8))


def test_the_name_may_be_an_attribute() -> None:
    """Before OTLP 1.6 an event was a log record with `event.name`."""
    assert added(sent("", {"event.name": "gen_ai.user.message"}, body={"content": "A fox"})).held_content


@pytest.mark.parametrize(
    "body",
    [
        sent("", body="an app's own log line"),
        sent("app.started", body="hello"),
        sent("gen_ai.user.message", body="whose?", span=False),
        sent("gen_ai.user.message", body=None),
        sent("gen_ai.client.inference.operation.details"),
        sent("feature_flag.evaluation", {"feature_flag.key": "prompt"}),
        sent("gen_ai.evaluation.result", {"gen_ai.evaluation.score.value": 1.0}),
        sent("exception", {"exception.message": "no type"}),
    ],
    ids=lambda body: f"{len(body)} bytes",  # they hold the time
)
def test_what_says_nothing_adds_nothing(body: bytes) -> None:
    assert read(body) == []


def test_bad_bytes_are_counted() -> None:
    drops = Drops()
    assert DecodeLogs({}, drops)(b"\xff\xff") == ([], 0)
    assert drops[DropReason.UNDECODABLE] == 1


JUDGED = {
    "gen_ai.evaluation.name": "relevance",
    "gen_ai.evaluation.score.value": 0.9,
    "gen_ai.evaluation.score.label": "asked by ada@example.org",
    "gen_ai.evaluation.explanation": "she is ada@example.org",
}


@pytest.mark.parametrize(("policy", "explanation"), [("counts-only", ""), ("redacted", "she is [email]")])
def test_an_evaluation_is_redacted(policy: str, explanation: str) -> None:
    """P6: its reason is content; its label is scrubbed in any case."""
    (found,) = read(sent("gen_ai.evaluation.result", JUDGED))
    assert isinstance(found, Evaluation)
    redact = Redact(RedactConfig.model_validate({"policy": policy}), bytes(32), Drops())
    clean = redact.evaluation(found)
    row = dict(zip((column.name for column in TABLES[FEEDBACK]), feedback_row(clean, KEPT), strict=True))
    assert (row["name"], row["score"], row["explanation"] or "") == ("relevance", 0.9, explanation)
    assert "ada@" not in str(row)


def test_scores_are_counted_and_averaged() -> None:
    """E2: a score that is missing or no number is counted, and left out of the mean."""
    scores = Scores()
    for score in (0.5, 1.0, None, float("nan")):
        scores.add(Evaluation(trace_id=b"", span_id=b"", time_ns=0, service=SERVICE, name="fit/on topic", score=score))
    assert scores.points() == {"evaluation/fit_on_topic/count": 4, "evaluation/fit_on_topic/score": 0.75}
    for number in range(100):
        scores.add(Evaluation(trace_id=b"", span_id=b"", time_ns=0, service=SERVICE, name=f"n{number}"))
    assert scores.points()["evaluation/other/count"] == 51
    assert all(metric_of(key) for key in scores.points())
