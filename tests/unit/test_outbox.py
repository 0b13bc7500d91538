"""A sink's thread inside an app: what a slow, broken or absent sink may cost, and what not (P11, A6)."""

import logging
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from spanwand.batch import Batch, RunKey, RunUpdate
from spanwand.drops import DropReason
from spanwand.losses import Losses
from spanwand.outbox import Outbox
from spanwand.outcomes import Delivered, Outcome, Rejected, Retry

RUN = RunKey(group="g", job_type="j", name="n")


def batch(seq: int, rows: int = 0) -> Batch:
    update = RunUpdate(run=RUN, config={}, points={"llm/requests": seq}, rows={"generations": ((1,),) * rows})
    return Batch(seq=seq, low=seq, start_ns=0, end_ns=1, updates=(update,))


class Scripted:
    """A sink that answers as told, then delivers. `closed` is the time it was given."""

    def __init__(self, *answers: Outcome | Exception) -> None:
        self.answers = list(answers)
        self.seen: list[int] = []
        self.closed: list[float] = []
        self.began = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def write(self, batch: Batch) -> Outcome:
        self.began.set()
        self.go_on.wait(20)
        self.seen.append(batch.seq)
        answer = self.answers.pop(0) if self.answers else Delivered()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self, deadline_s: float) -> None:
        self.closed.append(deadline_s)


Open = Callable[..., tuple[Outbox, Losses]]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Outboxes without pauses between tries, ended with the test."""
    monkeypatch.setattr("spanwand.outbox.MAX_BACKOFF_S", 0.01)
    outboxes: list[Outbox] = []

    def make(sink: Scripted, max_records: int = 1_000) -> tuple[Outbox, Losses]:
        losses = Losses()
        outboxes.append(Outbox(lambda: sink, max_records, losses))
        return outboxes[-1], losses

    yield make
    for outbox in outboxes:
        outbox.stop(later_s())
        assert outbox.join(later_s())


def later_s(seconds: float = 20.0) -> float:
    return time.monotonic() + seconds


def test_the_same_batch_again_until_it_is_in(opened: Open) -> None:
    sink = Scripted(Retry(0.0, "busy"), OSError("bug"), Retry(0.0, "busy"))
    outbox, losses = opened(sink)
    for seq in (1, 2):
        outbox.put(batch(seq))
    assert outbox.wait_empty(later_s())
    assert sink.seen == [1, 1, 1, 1, 2]
    assert not losses.take()


def test_a_refused_batch_is_counted_and_passed_over(opened: Open, caplog: pytest.LogCaptureFixture) -> None:
    outbox, losses = opened(Scripted(Rejected("no such project")))
    outbox.put(batch(1))
    outbox.put(batch(2))
    assert outbox.wait_empty(later_s())
    assert losses.take() == {DropReason.REJECTED_BY_SINK: 1}
    assert "no such project" in caplog.text


def test_memory_is_bounded_while_a_sink_hangs(opened: Open) -> None:
    """P11: the oldest go, counted; what is being written stays."""
    sink = Scripted()
    sink.go_on.clear()
    outbox, losses = opened(sink, max_records=25)
    for seq in range(1, 11):
        outbox.put(batch(seq, rows=9))
    dropped = losses.take()[DropReason.SINK_BACKLOG]
    sink.go_on.set()
    assert outbox.wait_empty(later_s())
    assert sink.seen[-2:] == [9, 10]
    assert len(sink.seen) + dropped == 10
    assert dropped >= 7


def test_a_stop_gives_one_more_try_and_keeps_to_its_time() -> None:
    """P11: with W&B down the exit does not wait for the next try."""
    sink, losses = Scripted(*[Retry(60.0, "down")] * 9), Losses()
    outbox = Outbox(lambda: sink, 100, losses)
    outbox.put(batch(1))
    while not sink.seen:
        time.sleep(0.01)
    outbox.stop(later_s(5))
    assert outbox.join(later_s(5))
    assert sink.seen == [1, 1]
    assert losses.take() == {DropReason.SINK_BACKLOG: 1}
    assert len(sink.closed) == 1


def test_a_hanging_sink_is_closed_over_its_head() -> None:
    sink = Scripted()
    sink.go_on.clear()
    outbox = Outbox(lambda: sink, 100, Losses())
    outbox.put(batch(1))
    assert sink.began.wait(20)
    outbox.stop(later_s(0.2))
    assert not outbox.join(later_s(0.2))
    assert sink.closed == [0.0]
    sink.go_on.set()
    assert outbox.join(later_s())


def test_a_sink_that_cannot_be_opened_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> Scripted:
        raise PermissionError("read-only")

    losses = Losses()
    outbox = Outbox(broken, 100, losses)
    for seq in range(3):
        outbox.put(batch(seq))
    assert outbox.wait_empty(later_s())
    outbox.stop(later_s())
    assert outbox.join(later_s())
    assert losses.take() == {DropReason.REJECTED_BY_SINK: 3}
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.WARNING]
