"""R21, P7: calls of clocks that cannot be believed are counted as calls, and as odd."""

import pytest
from tests.support.records import SECOND_NS

from spanwand.config import LineConfig
from spanwand.pipeline import Pipeline
from spanwand.span import Span, SpanResource

ARRIVAL_NS = 1_700_000_000 * SECOND_NS
YEAR_NS = 365 * 86_400 * SECOND_NS
BEFORE, AHEAD = "spanwand/odd/ends_before_start", "spanwand/odd/from_the_future"


def points(start_ns: int, end_ns: int) -> dict[str, float]:
    """What a line makes of one call."""
    span = Span(
        trace_id=b"t" * 16,
        span_id=b"s" * 8,
        name="chat m",
        start_ns=start_ns,
        end_ns=end_ns,
        attributes={"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"},
        resource=SpanResource(attributes={"service.name": "studio"}),
    )
    line = Pipeline(LineConfig(), b"k" * 32)
    line.spans(0, 10, ARRIVAL_NS, [span], 1)
    batch = line.drain(10, 20, ARRIVAL_NS)
    assert batch is not None
    return {name: value for update in batch.updates for name, value in update.points.items()}


@pytest.mark.parametrize(
    ("start_s", "end_s", "odd", "latency_s"),
    [
        (-2, -1, None, 1),
        (-1, 59, None, 60),
        (30, 61, AHEAD, 31),
        (-1, -3, BEFORE, None),
        (90, 80, BEFORE, None),
    ],
)
def test_a_clock_that_is_wrong_by_seconds(start_s: int, end_s: int, odd: str | None, latency_s: float | None) -> None:
    found = points(ARRIVAL_NS + start_s * SECOND_NS, ARRIVAL_NS + end_s * SECOND_NS)
    assert found["llm/requests"] == 1
    assert [name for name in found if "/odd/" in name] == [odd] * (odd is not None)
    assert found.get("llm/latency_s/p50") == (latency_s and pytest.approx(latency_s, rel=0.01))


@pytest.mark.parametrize(
    ("start_ns", "end_ns", "odd"),
    [
        (ARRIVAL_NS - 10 * YEAR_NS, ARRIVAL_NS - 10 * YEAR_NS, None),
        (ARRIVAL_NS + 10 * YEAR_NS, ARRIVAL_NS + 10 * YEAR_NS, AHEAD),
        (0, ARRIVAL_NS, None),
        (ARRIVAL_NS, 0, BEFORE),
        (0, 2**64 - 1, AHEAD),
        (2**64 - 1, 0, BEFORE),
    ],
)
def test_a_clock_that_is_wrong_altogether(start_ns: int, end_ns: int, odd: str | None) -> None:
    found = points(start_ns, end_ns)
    assert found["llm/requests"] == 1
    assert [name for name in found if "/odd/" in name] == [odd] * (odd is not None)
