"""The seams: what a plug-in has to look like. One method each, so a plain function can fill most of them."""

from collections.abc import Callable, Sequence
from typing import Protocol

from spanwand.batch import Batch
from spanwand.outcomes import Outcome
from spanwand.record import Clean, Generation
from spanwand.request import Request

Redactor = Callable[[Generation], Generation]
"""Takes out what must not leave. An exception makes `redact` drop all content: it fails closed."""

Sampled = Sequence[Clean | Request]
"""What came out of a trace together: calls, and its Request if it is over."""

Sampler = Callable[[Sampled], float]
"""Gives them a priority: the share of what is like them whose Table rows to keep. 0 says nothing about them, `ALWAYS`
keeps them also where there is no room for the rest. It must not depend on the trace id, nor on the order."""


class Sink(Protocol):
    """Where batches go. Called from one thread at a time, with increasing `seq`.

    One that has more to tell than outcomes may have `notes: tuple[str, ...]`, lines for `spanwand status` that are read
    from any thread; one that gives up some of a batch has `drops: Drops`, what it gave up since the start.
    """

    def write(self, batch: Batch) -> Outcome:
        """Make the batch's effect durable, or say why not. May block; must not raise.

        After `Retry` the same batch comes again; parts of it that are already in must not be added twice.
        """
        ...

    def close(self, deadline_s: float) -> None:
        """Finish within `deadline_s` seconds. Nothing is written afterwards. Safe to call twice."""
        ...
