"""What a request would take when parsed, and how much of it is let in at once (P1, R18)."""

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.support.doors import logs_request, metrics_request, trace_request

from spanwand_sidecar.receive import Refusal, RefusalReason, Signal
from spanwand_sidecar.receive.admission import Admission, Hold
from spanwand_sidecar.receive.estimate import WORST_RATIO, TooCostly, check_cost
from spanwand_sidecar.receive.prescan import Malformed

BODIES = {Signal.TRACES: trace_request(500), Signal.METRICS: metrics_request(500), Signal.LOGS: logs_request(500)}


@pytest.mark.parametrize("signal", Signal)
def test_a_usual_request_is_a_few_times_its_size(signal: Signal) -> None:
    body = BODIES[signal]
    check_cost(signal, body, 40 * len(body))
    with pytest.raises(TooCostly):
        check_cost(signal, body, 2 * len(body))


def test_what_cannot_be_dangerous_is_not_walked() -> None:
    check_cost(Signal.TRACES, b"\xff" * 10, 10 * WORST_RATIO)
    with pytest.raises(Malformed):
        check_cost(Signal.TRACES, b"\xff" * 10, 10 * WORST_RATIO - 1)


def events(count: int) -> bytes:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add()
    for _ in range(count):
        span.events.add()
    return request.SerializeToString()


def test_an_empty_event_is_the_worst_for_its_size() -> None:
    """Just below the ratio from which on requests are not walked."""
    body = events(10_000)
    with pytest.raises(TooCostly):
        check_cost(Signal.TRACES, body, (WORST_RATIO - 2) * len(body))


def test_nesting_is_bounded() -> None:
    request = ExportTraceServiceRequest()
    value = request.resource_spans.add().resource.attributes.add().value
    for _ in range(60):
        value = value.array_value.values.add()
    body = request.SerializeToString()
    with pytest.raises(TooCostly):
        check_cost(Signal.TRACES, body, (WORST_RATIO - 1) * len(body))


def test_admission_counts_what_is_held_and_lets_a_lone_request_in() -> None:
    admission = Admission(100, retry_after_s=2)
    with Hold(admission) as first:
        first.grow(1_000)
        with pytest.raises(Refusal) as info, Hold(admission) as second:
            second.grow(1)
        assert info.value.reason is RefusalReason.OVERLOADED
        assert info.value.retry_after_s == 2
        first.grow(1_000)
        assert admission.held_bytes == 2_000
    assert admission.held_bytes == 0
    with Hold(admission) as first, Hold(admission) as second:
        first.grow(50)
        second.grow(50)
        with pytest.raises(Refusal):
            second.grow(1)
        assert admission.held_bytes == 100
