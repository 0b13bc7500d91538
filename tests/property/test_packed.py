"""A1, P2, design 8: what comes out does not depend on whether closed traces are packed."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.gathering import ROOT, USED, Gathering
from tests.support.records import SECOND_NS

from spanwand.config import GatherConfig
from spanwand.gather import Gather, Settled
from spanwand.operations import Operation
from spanwand.record import Failure, Usage
from spanwand.traces.trace import Trace

SPANS = [bytes([number]) * 8 for number in range(10, 30)]
ANSWERS = ["", "an answer of the provider", "another answer of it"]
CALLS = st.fixed_dictionaries(
    {
        "trace": st.integers(1, 3),
        "span_id": st.sampled_from(SPANS),  # one may come again, when repeats are forgotten
        "parent_span_id": st.sampled_from([b"", ROOT, *SPANS[:4]]),
        "start_ns": st.integers(0, 4).map(lambda start_s: start_s * SECOND_NS),
        "end_ns": st.sampled_from([*range(5 * SECOND_NS, 15 * SECOND_NS, SECOND_NS), 1 << 70]),
        "operation": st.sampled_from([Operation.CHAT, Operation.CHAT, Operation.EMBEDDINGS, Operation.AGENT]),
        "usage": st.sampled_from([USED, Usage()]),
        "failure": st.sampled_from([None, None, None, Failure("timeout")]),
        "scope": st.sampled_from(["one", "another"]),
        "answer": st.sampled_from(ANSWERS),
    }
)
ROOTS = st.fixed_dictionaries({"trace": st.integers(1, 3), "parent_span_id": st.sampled_from([b"", b"", ROOT])})
HISTORIES = st.lists(
    st.tuples(st.sampled_from([0, 0, 1, 3, 8, 25]), st.one_of(CALLS, CALLS, ROOTS, st.none())), min_size=20, max_size=50
)
CONFIG: dict[str, Any] = {"settle_s": 1, "idle_s": 4, "late_s": 20}


class NeverPacks(Gather):
    """Closed traces stay as they are, and so do their steps among those of other traces."""

    def _close(self, trace: Trace) -> Settled:
        return self._conclude(trace)


@settings(max_examples=150, deadline=None)
@given(HISTORIES)
def test_packed_traces_give_what_others_give(history: list[tuple[int, dict[str, Any] | None]]) -> None:
    packed, never_packed = Gathering(**CONFIG), Gathering(**CONFIG)
    never_packed.gather = NeverPacks(GatherConfig(**CONFIG), never_packed.drops, never_packed.duplicates)
    at_s = 0
    for position, (pause_s, sent) in enumerate(history):
        at_s += pause_s
        for line in (packed, never_packed):
            take(line, at_s, position, sent)
        assert said(packed) == said(never_packed)
    for line in (packed, never_packed):
        line.requests += [*line.wait(at_s + 10), *line.drain()]
    assert said(packed) == said(never_packed)


def take(line: Gathering, at_s: int, position: int, sent: dict[str, Any] | None) -> None:
    """A call, a root, or else the next window."""
    if sent is None:
        line.requests += line.wait(at_s)
        line.gather.rows_handed_over()
        line.gather.open_window(position)
    else:
        line.requests += (line.call if "usage" in sent else line.root)(at_s, **sent)


def said(line: Gathering) -> tuple[object, ...]:
    return line.counted, line.requests, line.drops, line.duplicates, line.gather.low
