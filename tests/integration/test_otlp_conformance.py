"""OTLP 1.11, what a server must do, in every way of sending it (battery R15).

One test per line of the checklist; each runs over gRPC and HTTP, protobuf and JSON, plain and gzip. Rules about JSON
values are in tests/property/test_otlp_json.py. What is only recommended: docs/listeners.md says where we differ.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from google.rpc.code_pb2 import Code
from google.rpc.error_details_pb2 import BadRequest
from tests.support.doors import journal_in, logs_request, metrics_request, stored, trace_request
from tests.support.otlp_ways import WAYS, Answer, Doors, Way, doors, written

from spanwand_sidecar.journal import Journal
from spanwand_sidecar.receive import ReceiveConfig, Signal
from spanwand_sidecar.receive.otlp_json import REQUESTS
from spanwand_sidecar.receive.reception import Reception

BODIES = {Signal.TRACES: trace_request(3), Signal.METRICS: metrics_request(3), Signal.LOGS: logs_request(3)}
UNKNOWN_FIELD = {"protobuf": b"\xfa\x07\x02hi", "json": b'{"added": {"later": [1]}}'}
BAD = {"protobuf": b"\xff\xff", "json": b'{"resourceSpans": 5, "resourceMetrics": 5, "resourceLogs": 5}'}
MAX_RESPONSE_BYTES = 4 << 20
LARGE = "a" * 100_000

each_way = pytest.mark.parametrize("way", WAYS, ids=str)
each_signal = pytest.mark.parametrize("signal", Signal)


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journal]:
    with journal_in(tmp_path_factory.mktemp("conformance")) as journal:
        yield journal


@pytest.fixture(scope="module")
def open_doors(journal: Journal) -> Iterator[Doors]:
    with doors(Reception(journal, ReceiveConfig(max_message_bytes=50_000))) as both:
        yield both


def assert_success(answer: Answer, way: Way, signal: Signal) -> None:
    """No partial success at all, in the same form, and never too large for a client."""
    assert answer.status is None
    assert answer.body == (b"{}" if way.form == "json" else b"")
    assert len(answer.body) < MAX_RESPONSE_BYTES
    if way.transport == "http":
        assert answer.content_type == ("application/json" if way.form == "json" else "application/x-protobuf")


def assert_refused(answer: Answer, way: Way, code: int, http: int) -> None:
    """The same Status everywhere; HTTP bodies in the form of the request."""
    assert answer.status is not None
    assert answer.code == (code if way.transport == "grpc" else http)
    if way.transport == "http":
        assert answer.status.code == code
        assert answer.status.message
        assert answer.content_type == ("application/json" if way.form == "json" else "application/x-protobuf")


@each_way
@each_signal
def test_1_accepted_in_any_form_stored_in_one(way: Way, signal: Signal, open_doors: Doors, journal: Journal) -> None:
    """Also 5: full success leaves partial_success unset. The journal has protobuf, however it was sent."""
    before = len(stored(journal))
    assert_success(open_doors.send(way, signal, written(way, signal, BODIES[signal])), way, signal)
    (body,) = stored(journal)[before:]
    assert REQUESTS[signal].FromString(body) == REQUESTS[signal].FromString(BODIES[signal])


@each_way
@each_signal
def test_7_an_empty_request_is_a_success(way: Way, signal: Signal, open_doors: Doors, journal: Journal) -> None:
    before = journal.end
    for body in (b"", b"{}") if way.form == "json" else (b"",):
        assert_success(open_doors.send(way, signal, body), way, signal)
    assert journal.end == before


@each_way
@each_signal
def test_7_unknown_fields_are_passed_over(way: Way, signal: Signal, open_doors: Doors) -> None:
    assert_success(open_doors.send(way, signal, UNKNOWN_FIELD[way.form]), way, signal)


@each_way
def test_2_the_size_limit_holds_before_and_after_inflation(way: Way, open_doors: Doors, journal: Journal) -> None:
    """Final: without RetryInfo, or clients would send it again. gzip makes 100 kB about 200 bytes."""
    before = journal.end
    answer = open_doors.send(way, Signal.TRACES, written(way, Signal.TRACES, trace_request(1, LARGE)))
    assert_refused(answer, way, Code.RESOURCE_EXHAUSTED, 413)
    assert answer.retry_s is None
    assert journal.end == before


@each_way
@each_signal
def test_6_bad_data_is_final_and_says_so(way: Way, signal: Signal, open_doors: Doors, journal: Journal) -> None:
    before = journal.end
    answer = open_doors.send(way, signal, BAD[way.form])
    assert_refused(answer, way, Code.INVALID_ARGUMENT, 400)
    assert answer.retry_s is None
    assert answer.status
    assert answer.status.details[0].Is(BadRequest.DESCRIPTOR)
    assert journal.end == before


@each_way
def test_3_overload_is_retryable_and_says_when(way: Way, tmp_path: Path) -> None:
    """UNAVAILABLE with RetryInfo, 503 with Retry-After; nothing is acknowledged that is not stored."""
    body = written(way, Signal.TRACES, trace_request(1, LARGE[:40_000]))
    with (
        journal_in(tmp_path, max_bytes=1 << 16) as journal,
        doors(Reception(journal, ReceiveConfig(retry_after_s=2))) as both,
    ):
        assert both.send(way, Signal.TRACES, body).status is None
        answer = both.send(way, Signal.TRACES, body)
        assert_refused(answer, way, Code.UNAVAILABLE, 503)
        assert answer.retry_s == 2
        assert len(stored(journal)) == 1


@each_way
def test_3_memory_that_others_hold_is_not_taken(way: Way, tmp_path: Path) -> None:
    """Admission by bytes in flight: while one request holds the budget, another is told to come back."""
    with journal_in(tmp_path) as journal:
        reception = Reception(journal, ReceiveConfig(max_in_flight_bytes=10_000))
        with doors(reception) as both:
            body = written(way, Signal.TRACES, trace_request(100))
            reception.admission.change(9_000, 0)
            assert_refused(both.send(way, Signal.TRACES, body), way, Code.UNAVAILABLE, 503)
            reception.admission.give_back(9_000)
            assert both.send(way, Signal.TRACES, body).status is None
            assert reception.admission.held_bytes == 0


@each_way
def test_4_an_error_of_our_own_is_retryable(way: Way) -> None:
    """Never 500 or UNKNOWN, which lose the sender's data. Here: no journal at all."""
    with doors(Reception(cast("Any", None))) as both:
        answer = both.send(way, Signal.TRACES, written(way, Signal.TRACES, BODIES[Signal.TRACES]))
        assert_refused(answer, way, Code.UNAVAILABLE, 503)
        assert answer.retry_s == 1


@each_way
def test_4_a_closing_daemon_is_retryable(way: Way, tmp_path: Path) -> None:
    with journal_in(tmp_path) as journal, doors(Reception(journal)) as both:
        journal.close()
        answer = both.send(way, Signal.TRACES, written(way, Signal.TRACES, BODIES[Signal.TRACES]))
        assert_refused(answer, way, Code.UNAVAILABLE, 503)


@each_way
def test_8_a_request_that_is_sent_again_is_taken_again(way: Way, open_doors: Doors, journal: Journal) -> None:
    """The doors do not tell repeats apart, as OTLP allows; the line does, by trace and span id."""
    before = len(stored(journal))
    for _ in range(2):
        open_doors.send(way, Signal.TRACES, written(way, Signal.TRACES, BODIES[Signal.TRACES]))
    assert len(stored(journal)) == before + 2


def test_many_requests_on_one_connection_and_at_once(open_doors: Doors, journal: Journal) -> None:
    """Connections are kept, and unary calls may overlap."""
    before = len(stored(journal))
    call: Any = open_doors.channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export")
    for future in [call.future(BODIES[Signal.TRACES]) for _ in range(50)]:
        assert future.result(timeout=20) == b""
    for _ in range(50):
        open_doors.send(Way("http", "json", "gzip"), Signal.TRACES, b"{}")
    assert len(stored(journal)) == before + 50
