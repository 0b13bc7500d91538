"""Runs the line over a journal, or a copy of one, once more. Time is the frames' own, so it comes out the same."""

import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import msgspec

from spanwand.batch import Batch
from spanwand.errors import SpanwandError
from spanwand.outcomes import Outcome, Rejected, Retry
from spanwand_sidecar.feed import Line, take
from spanwand_sidecar.journal import Frame
from spanwand_sidecar.journal.frame import Damage
from spanwand_sidecar.log import LOG

MOST_TRIES = 5
"""Further ones of a batch, for a sink that says `Retry`."""


class Replayed(msgspec.Struct):
    """What went in and what came out."""

    frames: int = 0
    damaged: int = 0
    """Stretches that could not be read, or are gone."""
    failed_frames: int = 0
    """Frames that the line could not take."""
    batches: int = 0
    rejected: int = 0
    end: int = 0
    """Position behind the last frame."""
    arrival_ns: int = 0
    """When that frame had arrived."""


def batches(line: Line, items: Iterable[Frame | Damage], done: Replayed) -> Iterator[Batch]:
    """The batches of some frames, and of what is open behind the last one, which is closed there as by a stop."""
    for item in items:
        if isinstance(item, Damage):
            done.damaged += 1
            continue
        done.frames += 1
        done.end, done.arrival_ns = item.end, item.arrival_ns
        yield from take(line, item, partial(_failed, item, done))
    if done.frames and (last := line.drain(done.end, done.end, done.arrival_ns)):
        yield last


def deliver(write: Callable[[Batch], Outcome], batch: Batch, done: Replayed) -> None:
    """Hand a batch to a sink. Raises SpanwandError if the sink cannot take it now, and could not in several tries."""
    outcome = write(batch)
    for _ in range(MOST_TRIES):
        if not isinstance(outcome, Retry):
            break
        time.sleep(outcome.after_s)
        outcome = write(batch)
    if isinstance(outcome, Retry):
        raise SpanwandError(f"batch {batch.seq} cannot be written: {outcome.why}")
    done.batches += 1
    if isinstance(outcome, Rejected):
        done.rejected += 1
        LOG.warning("batch %d was refused: %s", batch.seq, outcome.why)


def _failed(frame: Frame, done: Replayed) -> None:
    """What a bug in the line cost the daemon it costs here as well."""
    done.failed_frames += 1
    LOG.warning("the line failed on the frame at %d", frame.start, exc_info=True)
