"""P2, P7: the line is a function of its frames, and a replay from a batch's `low` gives exactly what follows it."""

from collections import Counter
from itertools import pairwise
from random import Random

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.journals import (
    CONFIGS,
    KEY,
    RESOURCES,
    SECOND_NS,
    Frame,
    effects,
    feed,
    journals,
    line_config,
    run,
    spans,
)
from tests.support.records import trace_id

from spanwand.config import DeduplicateConfig, LineConfig
from spanwand.operations import Operation
from spanwand.pipeline import Pipeline
from spanwand.span import Span


def on_its_own(span: Span) -> Span:
    """The span, so that nothing else can report what it reports."""
    attributes = {key: value for key, value in span.attributes.items() if key != "gen_ai.response.id"}
    if attributes.get("gen_ai.operation.name") == Operation.AGENT:
        del attributes["gen_ai.usage.input_tokens"]
    return msgspec.structs.replace(
        span, parent_span_id=b"", status_is_error=False, resource=RESOURCES[0], attributes=attributes
    )


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(CONFIGS, journals())
def test_a_replay_from_low_gives_exactly_the_batches_behind_it(config: LineConfig, frames: list[Frame]) -> None:
    assert_replays(config, frames)


def assert_replays(config: LineConfig, frames: list[Frame]) -> None:
    batches = run(config, frames)
    assert run(config, frames) == batches
    for batch in batches:
        replayed = run(config, [frame for frame in frames if frame.start >= batch.low])
        left = [later for later in batches if later.seq > batch.seq]
        assert effects([later for later in replayed if later.seq > batch.seq]) == effects(left)


def test_what_is_forgotten_on_demand_does_not_depend_on_what_a_replay_never_knew() -> None:
    """P2, R20: at 105 s the whole line has just forgotten the first span early; a replay never knew it."""
    config = line_config(DeduplicateConfig(window_s=40, max_spans=10, max_journal_bytes=50), settle_s=0)
    one, other = (
        Span(trace_id=trace_id(n), span_id=bytes([n]) * 8, attributes={}, resource=RESOURCES[0]) for n in (1, 2)
    )
    frames = [
        Frame(140, 150, 76 * SECOND_NS, (one,)),
        Frame(160, 170, 81 * SECOND_NS, (other,)),
        Frame(190, 200, 104 * SECOND_NS, (), drain=True),
        Frame(200, 210, 105 * SECOND_NS, (), forget=200),
        Frame(210, 220, 113 * SECOND_NS, ()),
        Frame(220, 230, 121 * SECOND_NS, (), drain=True),
    ]
    assert_replays(config, frames)


def test_a_repeat_that_a_replay_takes_for_new_does_not_come_out_behind_what_was_forgotten() -> None:
    """P2: the replay from 20 has a trace open at 30, the whole line has not."""
    config = line_config(DeduplicateConfig(window_s=1, max_spans=1, max_journal_bytes=50), settle_s=0)
    sent = (Span(trace_id=trace_id(1), span_id=b"1" * 8, attributes={}, resource=RESOURCES[0]),)
    frames = [
        Frame(0, 10, 0, sent),
        Frame(10, 20, 0, (), drain=True),
        Frame(20, 30, 0, sent),
        Frame(30, 40, 0, (), forget=0),
        Frame(40, 50, 0, (), drain=True),
    ]
    assert_replays(config, frames)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(CONFIGS, journals())
def test_positions_and_windows_of_batches(config: LineConfig, frames: list[Frame]) -> None:
    starts = {frame.start for frame in frames} | {frames[-1].end}
    batches = run(config, frames)
    for batch in batches:
        assert batch.low <= batch.seq
        assert {batch.low, batch.seq} <= starts
        assert batch.end_ns - batch.start_ns == 10 * SECOND_NS
        assert batch.start_ns % (10 * SECOND_NS) == 0
        assert batch.updates
    for earlier, later in pairwise(batches):
        assert earlier.seq < later.seq
        assert earlier.low <= later.low
        assert earlier.start_ns <= later.start_ns


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(CONFIGS, journals())
def test_everything_that_came_in_is_counted_once(config: LineConfig, frames: list[Frame]) -> None:
    """R20, R31: repeats do not count, and metrics do not depend on what is sampled. A drain brings everything out."""
    remembered = DeduplicateConfig(window_s=86_400)
    config = config.model_copy(update={"deduplicate": remembered})
    end = frames[-1].end
    frames = [*frames, Frame(end, end + 10, frames[-1].arrival_ns, (), drain=True)]
    frames = [msgspec.structs.replace(frame, forget=None) for frame in frames]
    frames = [msgspec.structs.replace(frame, spans=tuple(map(on_its_own, frame.spans))) for frame in frames]
    sent = [span for frame in frames if not frame.drain for span in frame.spans]
    first = {(span.trace_id, span.span_id): span for span in reversed(sent)}
    calls = Counter(
        "diffusion" if span.attributes["gen_ai.operation.name"] == "image_generation" else "llm"
        for span in first.values()
        if span.attributes and span.attributes["gen_ai.operation.name"] != "invoke_agent"
    )
    line = Pipeline(config, KEY)
    batches = [batch for frame in frames for batch in feed(line, frame)]
    totals: Counter[str] = Counter()
    for update in (update for batch in batches for update in batch.updates):
        totals.update({key: int(value) for key, value in update.points.items() if value == int(value)})
    assert totals["spanwand/spans_received"] == len(sent)
    assert totals["spanwand/dropped/duplicate"] == len(sent) - len(first)
    assert (totals["llm/requests"], totals["diffusion/requests"]) == (calls["llm"], calls["diffusion"])
    assert totals["llm/by_model/small/requests"] + totals["llm/by_model/large/requests"] == calls["llm"]
    assert not line.waiting


def sums(spans: list[Span]) -> Counter[str]:
    """What spans of one trace add up to that come at once."""
    frame = Frame(0, 10, SECOND_NS, tuple(spans))
    batches = run(line_config(DeduplicateConfig()), [frame, Frame(10, 20, SECOND_NS, (), drain=True)])
    totals: Counter[str] = Counter()
    for update in (update for batch in batches for update in batch.updates):
        totals.update({key: round(value) for key, value in update.points.items() if "/p" not in key})
    return totals


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(spans(), max_size=6), st.randoms(use_true_random=False))
def test_the_order_in_which_the_spans_of_a_trace_come_does_not_matter(sent: list[Span], random: Random) -> None:
    """P5: one call, one count."""
    trace = [
        msgspec.structs.replace(span, trace_id=trace_id(1), span_id=bytes(7) + bytes([number]))
        for number, span in enumerate(sent, 1)
    ]
    assert sums(random.sample(trace, len(trace))) == sums(trace)
