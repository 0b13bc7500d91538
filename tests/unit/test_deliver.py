"""Delivery: order, backoff, refusals, commits, the end (A6, R10, R12, issue 2 items 2 and 3)."""

import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from spanwand.batch import Batch, RunKey, RunUpdate
from spanwand.drops import DropReason, Drops
from spanwand.outcomes import Delivered, Outcome, Rejected, Retry
from spanwand_sidecar.commits import Commit, Commits
from spanwand_sidecar.config import DeliverConfig
from spanwand_sidecar.deliver import Delivery

RUN = RunKey(group="g", job_type="j", name="n")
UPDATE = RunUpdate(run=RUN, config={}, points={"llm/requests": 1}, rows={})
END = 1_000


def batch(seq: int) -> Batch:
    return Batch(seq=seq, low=seq - 5, start_ns=0, end_ns=10, updates=(UPDATE,))


class Scripted:
    """A sink that gives the outcomes it was told, then Delivered; an exception is raised."""

    def __init__(self, outcomes: Sequence[Outcome | Exception] = ()) -> None:
        self.outcomes = list(outcomes)
        self.drops = Drops()
        self.taken: list[int] = []
        self.closed_with_s: list[float] = []
        self.gate = threading.Event()
        self.gate.set()

    def write(self, batch: Batch) -> Outcome:
        self.gate.wait()
        outcome = self.outcomes.pop(0) if self.outcomes else Delivered()
        if isinstance(outcome, Exception):
            raise outcome
        if isinstance(outcome, Delivered):
            self.taken.append(batch.seq)
        return outcome

    def close(self, deadline_s: float) -> None:
        self.closed_with_s.append(deadline_s)


Start = Callable[..., Delivery]


@pytest.fixture
def lows() -> list[int]:
    return []


@pytest.fixture
def commits(tmp_path: Path, lows: list[int]) -> Commits:
    return Commits(tmp_path / "commits.json", ["sink"], END, lows.append)


@pytest.fixture
def start(commits: Commits) -> Iterator[Start]:
    started: list[Delivery] = []

    def begin(sink: Scripted, **config: float) -> Delivery:
        delivery = Delivery("sink", lambda: sink, commits, DeliverConfig.model_validate(config))
        delivery.start()
        started.append(delivery)
        return delivery

    yield begin
    for delivery in started:
        delivery.finish(time.monotonic(), time.monotonic() + 1)


def finish(delivery: Delivery, deliver_s: float = 5, close_s: float = 10) -> None:
    delivery.finish(time.monotonic() + deliver_s, time.monotonic() + close_s)


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_batches_arrive_in_order_and_are_committed(start: Start, commits: Commits, lows: list[int]) -> None:
    sink = Scripted()
    delivery = start(sink)
    for seq in (10, 20, 30):
        delivery.put(batch(seq))
    finish(delivery)
    assert sink.taken == [10, 20, 30]
    assert commits["sink"] == Commit(30, 25)
    assert lows == [5, 15, 25]
    assert sink.closed_with_s[0] > 0
    assert delivery.status().state == "closed"


class Cell:
    """What a row holds, and a test can watch."""


def test_nothing_of_a_batch_stays_once_it_is_delivered(start: Start) -> None:
    """Design 8: rows of a minute are many MiB, and in a quiet night no further batch comes."""
    sink = Scripted()
    delivery = start(sink)
    cell = Cell()
    watched = weakref.ref(cell)
    update = msgspec.structs.replace(UPDATE, rows={"generations": [(cell,)]})
    delivery.put(msgspec.structs.replace(batch(10), updates=(update,)))
    del cell, update
    until(lambda: delivery.status().state == "idle" and not delivery.status().undelivered)
    until(lambda: watched() is None)


def test_what_a_sink_has_is_muted(tmp_path: Path, start: Start, commits: Commits) -> None:
    """P2: a replay offers everything again; nothing is written twice."""
    commits.advance("sink", Commit(20, 15))
    sink = Scripted()
    delivery = start(sink)
    for seq in (10, 20, 30):
        delivery.put(batch(seq))
    finish(delivery)
    assert sink.taken == [30]
    reopened = Commits(tmp_path / "commits.json", ["sink"], END, lambda _: None)
    assert reopened["sink"] == Commit(30, 25)
    assert reopened.low == 25


def test_retries_until_delivered_and_says_why(start: Start) -> None:
    sink = Scripted([Retry(0.2, "W&B answered 503"), OSError("disk"), Delivered()])
    delivery = start(sink, max_backoff_s=0.01)
    delivery.put(batch(10))
    until(lambda: delivery.status().state == "retrying")
    status = delivery.status()
    assert status.why == "W&B answered 503"
    assert status.next_retry_s > time.time() - 1
    assert status.undelivered == 1
    until(lambda: sink.taken == [10])
    until(lambda: delivery.status().state == "idle")
    assert delivery.status().outcomes == {"retry": 1, "failed": 1, "delivered": 1}
    assert delivery.status().why == ""


def test_the_sinks_wish_is_the_floor_of_the_pause(start: Start) -> None:
    sink = Scripted([Retry(0.3, "slow down")])
    delivery = start(sink, max_backoff_s=0.001)
    before = time.monotonic()
    delivery.put(batch(10))
    until(lambda: sink.taken)
    assert time.monotonic() - before >= 0.3


def test_what_a_sink_gives_up_of_a_batch_is_told(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    """R12: in the status, and in one line a minute."""
    sink = Scripted()
    sink.drops[DropReason.ROW_REFUSED] = 3
    delivery = start(sink)
    for seq in (10, 20):
        delivery.put(batch(seq))
    finish(delivery)
    assert delivery.status().dropped == {"row_refused": 3}
    assert [record.getMessage() for record in caplog.records] == ["sink sink dropped since the start: 3 row_refused"]


def test_a_sink_that_is_getting_on_is_not_kept_waiting(start: Start) -> None:
    """The pause does not grow from try to try: with 60 s at most, twelve of them would take minutes."""
    sink = Scripted([Retry(0.0, "some rows are in", is_getting_on=True)] * 4)
    delivery = start(sink)
    delivery.put(batch(10))
    until(lambda: sink.taken == [10])


def test_a_refused_batch_is_counted_and_passed_over(start: Start, commits: Commits) -> None:
    """R12: the rest is delivered."""
    sink = Scripted([Rejected("too large")])
    delivery = start(sink)
    delivery.put(batch(10))
    delivery.put(batch(20))
    finish(delivery)
    assert sink.taken == [20]
    assert delivery.status().outcomes == {"rejected": 1, "delivered": 1}
    assert delivery.status().dropped == {"rejected_by_sink": 1}
    assert commits["sink"].seq == 20


def test_a_full_queue_makes_the_line_wait(start: Start) -> None:
    sink = Scripted()
    sink.gate.clear()
    delivery = start(sink, max_queued_batches=1)

    def put_all() -> None:
        for seq in (10, 20, 30, 40):
            delivery.put(batch(seq))

    putter = threading.Thread(target=put_all)
    putter.start()
    putter.join(0.1)
    assert putter.is_alive()
    sink.gate.set()
    putter.join(10)
    finish(delivery)
    assert sink.taken == [10, 20, 30, 40]


def test_a_sink_that_cannot_start_is_tried_again(commits: Commits) -> None:
    sink = Scripted()
    failures = [OSError("no such host")]

    def open_sink() -> Scripted:
        if failures:
            raise failures.pop()
        return sink

    delivery = Delivery("sink", open_sink, commits, DeliverConfig(max_backoff_s=0.2))
    delivery.start()
    delivery.put(batch(10))
    until(lambda: sink.taken == [10])
    finish(delivery)


def test_the_end_comes_in_time_with_a_sink_that_is_down(start: Start, commits: Commits) -> None:
    """R10: what is left stays in the journal, because its commit was never made."""
    sink = Scripted([Retry(60, "unreachable")] * 10)
    delivery = start(sink)
    delivery.put(batch(10))
    until(lambda: delivery.status().state == "retrying")
    finish(delivery, deliver_s=0.2, close_s=2)
    assert sink.closed_with_s != []
    assert delivery.status().undelivered == 1
    assert delivery.status().why == "unreachable"
    assert commits["sink"].seq == -1
    assert len(sink.outcomes) == 8, "a stop cuts one pause short, for one more try"


def test_the_end_comes_in_time_with_a_sink_that_hangs(start: Start) -> None:
    sink = Scripted()
    sink.gate.clear()
    delivery = start(sink)
    delivery.put(batch(10))
    before = time.monotonic()
    finish(delivery, deliver_s=0.1, close_s=0.2)
    assert time.monotonic() - before < 5
    assert delivery.status().undelivered == 1
    sink.gate.set()
